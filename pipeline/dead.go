package pipeline

import (
	"maps"
	"strconv"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// failure says why and after how many tries a signal could not be decided.
type failure struct {
	err      error
	attempts int
	start    time.Time
}

// dead keeps the original bytes with the reason and gives the signal its verdict.
func (w *layerWorker) dead(d *Delivery, e *layers.Envelope, f failure) (effect, error) {
	w.deps.Log.Debug("dead letter", "stage", w.key.Name(), "signal", e.ID, "error", f.err)
	now := w.deps.Now()
	wait, process := max(0, f.start.Sub(d.Stored)), now.Sub(f.start)
	e.Hops = append(e.Hops, layers.Hop{Layer: w.key.Layer, WaitUS: wait.Microseconds(), ProcessUS: process.Microseconds()})
	decision := layers.Decision{Disposition: layers.DispositionDead, Reason: f.err.Error()}
	verdict, err := verdictRecord(e, w.key.Layer, &decision, now)
	if err != nil {
		return effect{}, err
	}
	letter := Record{
		Subject: SubjectOfDead(w.key.Layer),
		ID:      verdict.ID + ".dead",
		Header:  deadHeader(d, e, w.key.Layer, f),
		Data:    d.Data,
	}
	fit(&letter, deadHeader(&Delivery{Stream: d.Stream, Seq: d.Seq}, e, w.key.Layer, f), w.cfg.MaxRecordBytes)
	return effect{
		records: []Record{letter, verdict}, disposition: layers.DispositionDead, final: true,
		wait: wait, process: process, endToEnd: max(0, now.Sub(e.ReceivedAt)),
	}, nil
}

// deadHeader returns the original headers, but for those that would steer the broker, with
// HAL9's own.
func deadHeader(d *Delivery, e *layers.Envelope, layer layers.Name, f failure) map[string]string {
	header := make(map[string]string, len(d.Header)+9)
	for name := range d.Header {
		if len(name) < 5 || name[:5] != "Nats-" {
			header[name] = d.HeaderValue(name)
		}
	}
	maps.Copy(header, map[string]string{
		HeaderError:    OneLine(f.err.Error()),
		HeaderLayer:    layer.String(),
		HeaderAttempts: strconv.Itoa(f.attempts),
		HeaderStream:   d.Stream,
		HeaderSeq:      strconv.FormatUint(d.Seq, 10),

		HeaderSignalID:       OneLine(e.ID),
		HeaderSignalSource:   OneLine(e.Source),
		HeaderSignalReceived: e.ReceivedAt.UTC().Format(time.RFC3339Nano),
	})
	return header
}

// maxHeaders bounds the headers of a letter, bytes; a NATS server takes 64 KiB.
const maxHeaders = 32 << 10

// fit cuts a letter that takes more than one message may: the original was as large as a message
// can be, and the reason comes on top. What remains says how large the original was; by stream
// and sequence it can be found as long as it lasts.
func fit(letter *Record, own map[string]string, most int) {
	headers := sizeOf(letter.Header)
	size := headers + len(letter.Data)
	if headers > maxHeaders {
		letter.Header = own
		letter.Header[HeaderTruncated] = strconv.Itoa(size)
		headers = sizeOf(own)
	}
	if headers+len(letter.Data) > most {
		letter.Header[HeaderTruncated] = strconv.Itoa(size)
		letter.Data = letter.Data[:most-headers]
	}
}

func sizeOf(header map[string]string) (size int) {
	for name, value := range header {
		size += len(name) + len(value)
	}
	return size
}
