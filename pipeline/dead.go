package pipeline

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// failure says why and after how many tries a signal could not be decided.
type failure struct {
	err      error
	attempts int
	start    time.Time
	hops     int // that the signal had before
}

// dead keeps the original bytes with the reason and gives the signal its verdict. Of a pack it keeps
// the one signal.
func (w *layerWorker) dead(d *Delivery, p *parcel, s *stage, f failure) error {
	w.deps.Log.Debug("dead letter", "stage", w.key.Name(), "signal", p.ID, "error", f.err)
	now := w.deps.Now()
	wait, process := max(0, f.start.Sub(d.Stored)), now.Sub(f.start)
	p.Hops = p.Hops[:f.hops]
	p.Hops = append(p.Hops, layers.Hop{Layer: w.key.Layer, WaitUS: wait.Microseconds(), ProcessUS: process.Microseconds()})
	p.Findings.Anomaly = 0 // What failed may have left anything here.
	decision := layers.Decision{Disposition: layers.DispositionDead, Reason: f.err.Error()}
	verdict, err := w.verdict(p, &decision, now, s.out)
	if err != nil {
		return err
	}
	letter := Record{
		Subject: SubjectOfDead(w.key.Layer),
		ID:      verdict.ID + ".dead",
		Header:  w.deadHeader(d, p, f),
		Data:    original(d, p),
	}
	own := maps.Clone(letter.Header)
	letter.addOriginal(d.Header)
	fit(&letter, own, w.cfg.MaxRecordBytes)
	s.out.list = append(s.out.list, s.replay.missing(d, []Record{letter})...)
	if !s.add(d, verdict) {
		return nil
	}
	s.out.signals++
	s.out.effects = append(s.out.effects, effect{
		seq: d.Seq, disposition: layers.DispositionDead, final: true,
		wait: wait, process: process, endToEnd: max(0, now.Sub(p.ReceivedAt)),
	})
	return nil
}

// original returns the bytes that a letter keeps: the message as it came, or of a pack the one signal.
func original(d *Delivery, p *parcel) []byte {
	if p.raw == nil {
		return d.Data
	}
	var pack packer
	pack.add(Position{}, p.raw)
	return pack.bytes(Sender{})
}

// deadHeader returns what HAL9 says about a letter.
func (w *layerWorker) deadHeader(d *Delivery, p *parcel, f failure) map[string]string {
	return map[string]string{
		HeaderError:    OneLine(f.err.Error()),
		HeaderLayer:    w.key.Layer.String(),
		HeaderAttempts: strconv.Itoa(f.attempts),
		HeaderStream:   d.Stream,
		HeaderSeq:      strconv.FormatUint(d.Seq, 10),

		HeaderSignalID:       OneLine(p.ID),
		HeaderSignalSource:   OneLine(p.Source),
		HeaderSignalReceived: p.ReceivedAt.UTC().Format(time.RFC3339Nano),
	}
}

// addOriginal adds the headers of the original, but for those that would steer the broker and those that HAL9 gives itself.
func (r *Record) addOriginal(header map[string][]string) {
	for name, values := range header {
		if _, own := r.Header[name]; !own && len(values) > 0 && !strings.HasPrefix(name, "Nats-") && name != HeaderIDs && name != HeaderSignals {
			r.SetValues(name, values)
		}
	}
}

// maxHeaders bounds the headers of a letter, bytes; a NATS server takes 64 KiB.
const maxHeaders = 32 << 10

// fit cuts a letter that takes more than one message may: the original was as large as a message
// can be, and the reason comes on top. What remains says how large the original was; by stream
// and sequence it can be found as long as it lasts.
func fit(letter *Record, own map[string]string, most int) {
	headers := letter.headerBytes()
	size := headers + len(letter.Data)
	if headers > maxHeaders {
		letter.Header, letter.More = own, nil
		letter.Header[HeaderTruncated] = strconv.Itoa(size)
		headers = letter.headerBytes()
	}
	if headers+len(letter.Data) > most {
		letter.Header[HeaderTruncated] = strconv.Itoa(size)
		letter.Data = letter.Data[:most-headers]
	}
}

// headerBytes is how many bytes names and values of a record's headers take.
func (r *Record) headerBytes() (size int) {
	for name, value := range r.Header {
		size += len(name) + len(value)
		for _, further := range r.More[name] {
			size += len(name) + len(further)
		}
	}
	return size
}
