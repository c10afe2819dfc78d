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

// errTruncated says that encoded bytes end too early or state a length that they do not have.
var errTruncated = errors.New("pipeline: envelope is truncated")

// DecodeEnvelope reads what AppendEnvelope wrote. Any other bytes give an error, which is
// permanent.
func DecodeEnvelope(data []byte) (*layers.Envelope, error) {
	var p parcel
	if err := p.decode(data); err != nil {
		return nil, err
	}
	return &p.Envelope, nil
}

// decode reads an encoded envelope into p. Data and block alias the bytes.
func (p *parcel) decode(data []byte) error {
	if len(data) < 2 {
		return layers.Permanent(errTruncated)
	}
	if data[0] != codecVersion {
		return layers.Permanent(fmt.Errorf("pipeline: envelope has version %d, this build reads %d", data[0], codecVersion))
	}
	hops := p.Hops[:0]
	*p = parcel{raw: data}
	r := reader{rest: data[1:]}
	p.block = r.take(r.count(1))
	block := reader{rest: p.block, err: r.err}
	block.signal(p)
	flags := r.byte()
	p.Hops = r.hops(hops)
	r.findings(&p.Findings, flags)
	switch {
	case block.err != nil:
		return layers.Permanent(block.err)
	case r.err != nil:
		return layers.Permanent(r.err)
	case len(block.rest) > 0 || len(r.rest) > 0:
		return layers.Permanent(fmt.Errorf("pipeline: envelope has %d bytes too many", len(block.rest)+len(r.rest)))
	}
	return nil
}

// reader takes fields off the front of rest; after the first error it returns zero values.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) signal(p *parcel) {
	e := &p.Envelope
	copy(p.identity[:], r.take(len(p.identity)))
	e.Severity = layers.Severity(r.byte())
	if r.byte() != 0 {
		e.HasValue = true
		e.Value = r.float()
	}
	e.Time = r.time()
	e.ReceivedAt = r.time()
	e.Origin = r.uvarint()
	r.texts(&e.ID, &e.Source, &e.Type, &e.Key, &e.TraceParent, &e.Text)
	if n := r.count(2); n > 0 {
		e.Labels = make(map[string]string, n)
		for range n {
			name := r.string()
			e.Labels[name] = r.string()
		}
	}
	if n := r.count(1); n > 0 {
		e.Data = json.RawMessage(r.take(n))
	}
}

// togetherMost bounds texts that share one allocation, bytes: a layer that keeps one of them
// keeps them all.
const togetherMost = 512

// texts reads lengths and then the texts themselves.
func (r *reader) texts(targets ...*string) {
	var lengths [6]int
	sum := 0
	for i := range targets {
		lengths[i] = int(min(r.uvarint(), math.MaxInt32))
		sum += lengths[i]
	}
	if sum > len(r.rest) {
		r.fail()
		return
	}
	if sum > togetherMost {
		for i, target := range targets {
			*target = string(r.take(lengths[i]))
		}
		return
	}
	all := string(r.take(sum))
	for i, target := range targets {
		*target, all = all[:lengths[i]], all[lengths[i]:]
	}
}

func (r *reader) hops(room []layers.Hop) []layers.Hop {
	n := r.count(3)
	if n == 0 {
		return room
	}
	if cap(room) <= n {
		room = make([]layers.Hop, 0, n+1)
	}
	for range n {
		room = append(room, layers.Hop{Layer: layers.Name(r.byte()), WaitUS: r.varint(), ProcessUS: r.varint()})
	}
	return room
}

func (r *reader) findings(f *layers.Findings, flags byte) {
	f.NewTemplate = flags&flagNewTemplate != 0
	f.Flagged = flags&flagFlagged != 0
	f.Pulse = flags&flagPulse != 0
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
	if flags&flagSituation != 0 && r.err == nil {
		f.Situation = &layers.Situation{}
		if err := json.Unmarshal(r.take(r.count(1)), f.Situation); err != nil && r.err == nil {
			r.err = fmt.Errorf("pipeline: situation in envelope: %w", err)
		}
	}
	r.lists(f, flags)
	if flags&flagEvidence != 0 && r.err == nil {
		r.evidence(f)
	}
}

// lists reads what only some findings have.
func (r *reader) lists(f *layers.Findings, flags byte) {
	if flags&flagClasses != 0 {
		f.Classes = make([]layers.Class, r.count(10))
		for i := range f.Classes {
			f.Classes[i] = layers.Class{Label: r.string(), Strength: r.float(), Flags: r.byte() != 0}
		}
	}
	if flags&flagMentions != 0 {
		f.Mentions = make([]layers.Mention, r.count(2))
		for i := range f.Mentions {
			f.Mentions[i] = layers.Mention{Kind: r.string(), Name: r.string()}
		}
	}
	if flags&flagMarks != 0 {
		f.Marks = make([]layers.Mark, r.count(11))
		for i := range f.Marks {
			f.Marks[i] = r.mark()
		}
	}
}

func (r *reader) mark() layers.Mark {
	m := layers.Mark{Of: r.string(), Good: r.byte() != 0, Value: r.float()}
	for range r.count(1) {
		m.Labels = append(m.Labels, r.string())
	}
	return m
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
	taken := r.rest[:n:n]
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
