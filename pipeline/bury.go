package pipeline

import (
	"log/slog"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Burial says why a message that no stage will see again is dead.
type Burial struct {
	Layer    layers.Name // whose stream holds the message
	Reason   error
	Attempts int
	Now      time.Time
	// MaxRecordBytes bounds the letter, as Config.MaxRecordBytes does.
	MaxRecordBytes int
}

// Buried is one signal of a message that is dead.
type Buried struct {
	Records  []Record // the letter and the verdict
	Envelope *layers.Envelope
	From     Sender // who packed it; of no layer where it was not packed
}

// Bury returns what the stage itself would have stored for a message that it can't decide: for each signal in it the
// dead letter and the verdict, under the same ids. A later build's message is a *VersionError.
func Bury(d *Delivery, decoder Decoder, b Burial) ([]Buried, error) {
	g := &grave{
		delivery: d, burial: b,
		worker: &layerWorker{
			key: StageKey{Layer: b.Layer}, cfg: Config{MaxRecordBytes: b.MaxRecordBytes}, decoder: decoder,
			deps: Deps{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return b.Now }},
		},
	}
	g.stage = &stage{key: g.worker.key, out: newOutbox(g.worker.key, b.MaxRecordBytes)}
	if _, packed := decoder.(Envelopes); packed {
		err := g.unpack()
		return g.list, err
	}
	e, err := decoder.Decode(d)
	if err != nil {
		err = g.add(g.worker.unnamed(d), Sender{})
		return g.list, err
	}
	err = g.add(&parcel{Envelope: *e, identity: identityOf(e.Source, e.ID)}, Sender{})
	return g.list, err
}

// grave collects the signals of one message.
type grave struct {
	delivery *Delivery
	burial   Burial
	worker   *layerWorker
	stage    *stage
	list     []Buried
	broken   bool // something in it can't be read
}

func (g *grave) add(p *parcel, from Sender) error {
	err := g.worker.dead(g.delivery, p, g.stage, failure{
		err: g.burial.Reason, attempts: g.burial.Attempts, start: g.burial.Now, hops: len(p.Hops),
	})
	if err != nil {
		return err
	}
	g.list = append(g.list, Buried{Records: slices.Clone(g.stage.out.list), Envelope: &p.Envelope, From: from})
	g.stage.out.list = g.stage.out.list[:0]
	return nil
}

// unpack adds each signal of a pack, and what can't be read as one.
func (g *grave) unpack() error {
	pack, err := OpenPack(g.delivery.Data)
	if err == nil {
		if err := checkVersion(g.delivery, pack); err != nil {
			return err
		}
	}
	for err == nil {
		data, _, ok := pack.Next()
		if !ok {
			break
		}
		p := &parcel{}
		if p.decode(data) != nil {
			g.broken = true
			continue
		}
		if err := g.add(p, pack.Sender); err != nil {
			return err
		}
	}
	if err != nil || pack.Err() != nil || g.broken || len(g.list) == 0 {
		return g.add(g.worker.unnamed(g.delivery), Sender{})
	}
	return nil
}
