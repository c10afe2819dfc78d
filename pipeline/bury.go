package pipeline

import (
	"log/slog"
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

// Bury returns what the stage itself would have stored for a message that it can't decide: the dead
// letter and the verdict, under the same ids, and the signal that both are about.
func Bury(d *Delivery, decoder Decoder, b Burial) ([]Record, *layers.Envelope, error) {
	w := &layerWorker{
		key: StageKey{Layer: b.Layer}, cfg: Config{MaxRecordBytes: b.MaxRecordBytes}, decoder: decoder,
		deps: Deps{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return b.Now }},
	}
	e, err := decoder.Decode(d)
	if err != nil {
		e = w.unnamed(d)
	}
	buried, err := w.dead(d, e, failure{err: b.Reason, attempts: b.Attempts, start: b.Now})
	return buried.records, e, err
}
