package pipeline

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// errTruncated says that an encoded envelope ends too early or states a length that it does
// not have.
var errTruncated = errors.New("pipeline: envelope is truncated")

// DecodeEnvelope reads what AppendEnvelope wrote. Any other bytes give an error, which is
// permanent.
func DecodeEnvelope(data []byte) (*layers.Envelope, error) {
	if len(data) < 3 {
		return nil, layers.Permanent(errTruncated)
	}
	if data[0] != codecVersion {
		return nil, layers.Permanent(fmt.Errorf("pipeline: envelope has version %d, this build reads %d", data[0], codecVersion))
	}
	r := reader{rest: data[3:]}
	e := &layers.Envelope{}
	e.Severity = layers.Severity(data[2])
	r.signal(e, data[1])
	r.findings(&e.Findings, data[1])
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("pipeline: envelope has %d bytes too many", len(r.rest))
	}
	if r.err != nil {
		return nil, layers.Permanent(r.err)
	}
	return e, nil
}

// reader takes fields off the front of rest; after the first error it returns zero values.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) signal(e *layers.Envelope, flags byte) {
	for _, text := range [...]*string{&e.ID, &e.Source, &e.Type, &e.Key, &e.Text, &e.TraceParent} {
		*text = r.string()
	}
	e.Time = r.time()
	e.ReceivedAt = r.time()
	e.Origin = r.uvarint()
	if flags&flagValue != 0 {
		e.HasValue = true
		e.Value = r.float()
	}
	if data := r.string(); data != "" {
		e.Data = json.RawMessage(data)
	}
	if n := r.count(2); n > 0 {
		e.Labels = make(map[string]string, n)
		for range n {
			name := r.string()
			e.Labels[name] = r.string()
		}
	}
	if n := r.count(3); n > 0 {
		e.Hops = make([]layers.Hop, n, n+1)
		for i := range e.Hops {
			e.Hops[i] = layers.Hop{Layer: layers.Name(r.byte()), WaitUS: r.varint(), ProcessUS: r.varint()}
		}
	}
}

func (r *reader) findings(f *layers.Findings, flags byte) {
	f.NewTemplate = flags&flagNewTemplate != 0
	f.Flagged = flags&flagFlagged != 0
	for _, text := range [...]*string{&f.TemplateID, &f.Template, &f.FlagReason, &f.PlanID} {
		*text = r.string()
	}
	f.Anomaly = r.float()
	if n := r.count(1); n > 0 {
		f.Parameters = make([]string, n)
		for i := range f.Parameters {
			f.Parameters[i] = r.string()
		}
	}
	if n := r.count(9); n > 0 {
		f.Features = make(map[string]float64, n)
		for range n {
			name := r.string()
			f.Features[name] = r.float()
		}
	}
	if flags&flagSituation == 0 || r.err != nil {
		return
	}
	f.Situation = &layers.Situation{}
	if err := json.Unmarshal([]byte(r.string()), f.Situation); err != nil && r.err == nil {
		r.err = fmt.Errorf("pipeline: situation in envelope: %w", err)
	}
}

// count reads a number of elements, each of which takes at least size bytes: a longer list
// than the rest can hold is refused before memory is taken for it.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) fail() {
	r.rest = nil
	if r.err == nil {
		r.err = errTruncated
	}
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.fail()
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) string() string { return string(r.take(r.count(1))) }

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) float() float64 {
	b := r.take(8)
	if len(b) < 8 {
		return 0
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) time() time.Time {
	nanos := r.varint()
	if nanos == noTime || r.err != nil {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
