package dead

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Attempt is a letter on its way back.
type Attempt struct {
	Seq    uint64 // of the letter
	Record pipeline.Record
	IDs    []string // of the record, and of what may be stored about it later
}

// Planner makes letters into attempts.
type Planner struct {
	Decoder    *ingest.Decoder // as L1 reads signals
	Target     layers.Name
	Partitions int // of each keyed layer
	MaxBytes   int // of one message with its headers
}

// headRoom is what NATS itself needs of a message, bytes.
const headRoom = 1 << 10

// suffix ends the id of a redriven signal. A signal that died again does not get a second one.
var suffix = regexp.MustCompile(`~redrive-[0-9]+$`)

// maxID is the most bytes of a signal's id.
const maxID = 256

// NewID returns the id under which a letter is put back: that of its signal, with the letter's number.
// An id that would get too long is replaced by the hash under which HAL9 stores the signal.
func NewID(source, id string, seq uint64) string {
	base := suffix.ReplaceAllString(id, "")
	ending := "~redrive-" + strconv.FormatUint(seq, 10)
	if len(base)+len(ending) > maxID {
		base = pipeline.SignalID(source, base)
	}
	return base + ending
}

// Plan returns what is to be stored for a letter. An error says why it can't be put back.
func (p *Planner) Plan(l *Letter) (Attempt, error) {
	from, ok := l.layer()
	switch {
	case l.Layer == "sink":
		return Attempt{}, errors.New("it holds a result for a sink and no signal")
	case l.Layer == "action":
		return Attempt{}, errors.New("it holds an action of a plan, which HAL9 does once at most: do it by hand where it is still wanted")
	case !ok:
		return Attempt{}, errors.New("it is not from a layer")
	case l.Truncated > 0:
		return Attempt{}, fmt.Errorf("only its beginning is kept, %d of %d bytes", l.Size, l.Truncated)
	case p.Target > from && (from != layers.NameL1 || p.Target > layers.NameL2):
		return Attempt{}, fmt.Errorf("%s needs what the layers between find out: it died at %s", p.Target, from)
	}
	a, err := p.plan(l, from)
	if err != nil {
		return Attempt{}, err
	}
	if size := sizeOf(&a.Record); size > p.MaxBytes-headRoom {
		return Attempt{}, fmt.Errorf("it takes %d bytes, a message holds %d", size, p.MaxBytes-headRoom)
	}
	return a, nil
}

func (p *Planner) plan(l *Letter, from layers.Name) (Attempt, error) {
	l, named := p.named(l)
	if from != layers.NameL1 {
		e, err := decodeEnvelope(l.Data)
		switch {
		case err == nil:
			return p.envelope(l, e, from)
		case !named:
			return Attempt{}, fmt.Errorf("its data is none of HAL9's: %w", err)
		case p.Target > layers.NameL2:
			return Attempt{}, fmt.Errorf("%s needs what the layers below find out: it holds what was sent", p.Target)
		}
	}
	if !named {
		return Attempt{}, errors.New("its headers do not say which signal it is about")
	}
	raw := p.raw(l)
	if p.Target == layers.NameL1 {
		return raw, nil
	}
	item, err := p.Decoder.Message(p.message(l, &raw.Record))
	if err != nil {
		return Attempt{}, fmt.Errorf("above L1 goes only what can be read: %w", err)
	}
	e := &layers.Envelope{Signal: item.Signal, Origin: l.StreamSeq, ReceivedAt: l.Received, TraceParent: item.TraceParent}
	if e.TraceParent == "" {
		e.TraceParent = pipeline.TraceParentOf(e.Source, e.ID)
	}
	return p.keyed(l, e, l.SignalID)
}

// nowhere is the source of a signal that states none.
const nowhere = "-"

// named returns the letter with the id and the source of its signal. Where its headers are silent, since not HAL9 wrote it, the signal itself may
// say both; ok is false where it does not.
func (p *Planner) named(l *Letter) (named *Letter, ok bool) {
	if l.SignalID != "" && l.Source != "" {
		return l, true
	}
	item, err := p.Decoder.Message(ingest.Message{
		Subject: pipeline.SubjectSignals + "." + nowhere, Header: l.Original(), Data: l.Data, Seq: l.StreamSeq, Stored: l.Received,
	})
	if err != nil || item.FilledID || item.Signal.Source == nowhere {
		return l, false
	}
	full := *l
	full.SignalID, full.Source = item.Signal.ID, item.Signal.Source
	return &full, true
}

// raw enters the original bytes into L1 once more.
func (p *Planner) raw(l *Letter) Attempt {
	id := NewID(l.Source, l.SignalID, l.Seq)
	a := Attempt{Seq: l.Seq, Record: pipeline.Record{
		Subject: pipeline.SubjectSignals + "." + ingest.SubjectToken(l.Source),
		ID:      pipeline.SignalID(l.Source, id),
		Header: map[string]string{
			pipeline.HeaderSignalID: id, pipeline.HeaderSignalSource: l.Source,
			pipeline.HeaderSignalReceived: l.Received.UTC().Format(time.RFC3339Nano),
			pipeline.HeaderRedriveOf:      l.SignalID,
		},
		Data: l.Data,
	}}
	for name, values := range l.Original() {
		a.Record.SetValues(name, values)
	}
	a.IDs = []string{a.Record.ID}
	// L1 may find another source in the payload, now that it can read it.
	sources := []string{pipeline.SourceOf(a.Record.Subject)}
	if item, err := p.Decoder.Message(p.message(l, &a.Record)); err == nil {
		sources = append(sources, item.Signal.Source)
	}
	for _, source := range sources {
		if source != l.Source {
			a.IDs = append(a.IDs, pipeline.SignalID(source, id))
		}
	}
	return a
}

// message is what L1 will read.
func (p *Planner) message(l *Letter, r *pipeline.Record) ingest.Message {
	header := make(map[string][]string, len(r.Header))
	for name := range r.Header {
		header[name] = r.Values(name)
	}
	return ingest.Message{Subject: r.Subject, Header: header, Data: r.Data, Seq: l.StreamSeq, Stored: l.Received}
}

// envelope puts a signal of the upper layers back.
func (p *Planner) envelope(l *Letter, e *layers.Envelope, from layers.Name) (Attempt, error) {
	died := e.ID
	e.ID = NewID(e.Source, e.ID, l.Seq)
	comeDown(e, from, p.Target)
	if p.Target != layers.NameL1 {
		return p.keyed(l, e, died)
	}
	data, err := ingest.Encode(&e.Signal)
	if err != nil {
		return Attempt{}, fmt.Errorf("its signal can't be entered again: %w", err)
	}
	a := Attempt{Seq: l.Seq, Record: pipeline.Record{
		Subject: pipeline.SubjectSignals + "." + ingest.SubjectToken(e.Source), Data: data,
	}}
	a.name(e, died)
	return a, nil
}

// keyed puts an envelope into a keyed layer.
func (p *Planner) keyed(l *Letter, e *layers.Envelope, died string) (Attempt, error) {
	data, err := encodeEnvelope(e)
	if err != nil {
		return Attempt{}, err
	}
	a := Attempt{Seq: l.Seq, Record: pipeline.Record{Subject: subjectOf(p.Target, e, p.Partitions), Data: data}}
	a.name(e, died)
	return a, nil
}

// name gives the record its id, and the headers that a redriven signal has.
func (a *Attempt) name(e *layers.Envelope, died string) {
	a.Record.ID = pipeline.SignalID(e.Source, e.ID)
	a.Record.Header = map[string]string{
		pipeline.HeaderSignalID: pipeline.OneLine(e.ID), pipeline.HeaderSignalSource: pipeline.OneLine(e.Source),
		pipeline.HeaderSignalReceived: e.ReceivedAt.UTC().Format(time.RFC3339Nano),
		pipeline.HeaderRedriveOf:      pipeline.OneLine(died),
	}
	if e.TraceParent != "" {
		a.Record.Header[pipeline.HeaderTraceParent] = e.TraceParent
	}
	a.IDs = []string{a.Record.ID}
}

func sizeOf(r *pipeline.Record) int {
	size := len(r.Subject) + len(r.Data)
	for name := range r.Header {
		for _, value := range r.Values(name) {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	return size
}
