// Package rehearsal lets signals pass through the five layers of a configuration without NATS: in one goroutine,
// one message after the other, on a clock that the caller sets. The layers, what reads a message and what an
// envelope keeps on its way up are those of a running HAL9, with one partition or several; the same messages
// at the same times always give the same results.
//
// What it does not do: it keeps nothing, and nothing leaves it. A plan is proposed and stays so.
package rehearsal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/internal/assembly"
	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/pipeline"
)

// Audience is told what comes of the messages, in order. What it is given is its own.
type Audience interface {
	Verdict(v *layers.Verdict)
	Situation(s *layers.Situation)
	Plan(p *layers.Plan)
}

// Message is one message as a sender publishes it.
type Message struct {
	Subject string // hal9.signals.<source>
	Header  map[string][]string
	Data    []byte
}

// Rehearsal is one run of a configuration. It is not safe for concurrent use.
type Rehearsal struct {
	decoder  assembly.Signals
	layers   [layers.NameL5 + 1][]layers.Layer // by partition; L1 has one
	tracker  *strategic.Tracker
	audience Audience
	now      time.Time
	tick     time.Time // when waiting layers are told the time next
	every    time.Duration
	stored   uint64    // sequence of the last message
	own      []Message // what the layers sent themselves, and nobody took yet
}

// New returns a rehearsal with one partition whose clock shows start.
func New(file config.File, start time.Time, audience Audience) (*Rehearsal, error) {
	return NewSpread(file, start, audience, 1)
}

// NewSpread returns a rehearsal with so many partitions whose clock shows start. What a partition hands to another one is
// decided before the next message is.
func NewSpread(file config.File, start time.Time, audience Audience, partitions int) (*Rehearsal, error) {
	decoding := ingest.DefaultConfig()
	decoding.Sources = file.Sources
	decoder, err := ingest.New(decoding)
	if err != nil {
		return nil, err
	}
	r := &Rehearsal{
		decoder: assembly.Signals{Decoder: decoder}, audience: audience,
		now: start.UTC(), every: pipeline.DefaultConfig().TickEvery,
	}
	r.tick = r.now.Add(r.every)
	kit := assembly.Kit{File: file, Reports: func() []strategic.Report { return r.tracker.Reports() }}
	if r.tracker, err = kit.Tracker(); err != nil {
		return nil, err
	}
	for _, name := range layers.Names() {
		key := pipeline.StageKey{Layer: name, Partitions: partitions}
		for ; key.Partition < partitions && (key.Partition == 0 || !key.Shared()); key.Partition++ {
			layer, err := kit.Layer(key)
			if err != nil {
				return nil, err
			}
			r.layers[name] = append(r.layers[name], layer)
		}
	}
	return r, nil
}

// Now returns what the clock shows.
func (r *Rehearsal) Now() time.Time { return r.now }

// Take lets a message in at the time that the clock shows, and through all layers.
func (r *Rehearsal) Take(ctx context.Context, m Message) error {
	if err := r.take(ctx, m); err != nil {
		return err
	}
	return r.takeOwn(ctx)
}

// takeOwn lets in what the layers sent.
func (r *Rehearsal) takeOwn(ctx context.Context) error {
	for len(r.own) > 0 {
		m := r.own[0]
		r.own = r.own[1:]
		if err := r.take(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rehearsal) take(ctx context.Context, m Message) error {
	r.stored++
	d := &pipeline.Delivery{
		Stream: pipeline.StreamOf(layers.NameL1, 0, 1), Seq: r.stored, Subject: m.Subject, Header: m.Header, Data: m.Data,
		Stored: r.now, Attempt: 1,
	}
	e, err := r.decoder.Decode(d)
	if err != nil {
		source, id := r.decoder.Name(d)
		e = &layers.Envelope{
			Signal: layers.Signal{ID: id, Source: source, Key: source, Time: d.Stored},
			Origin: d.Seq, ReceivedAt: d.Stored, TraceParent: pipeline.TraceParentOf(source, id),
		}
		r.bury(e, layers.NameL1, err)
		return nil
	}
	return r.climb(ctx, e)
}

// Advance moves the clock on; layers that wait are told the time on the way, as often as a running HAL9 tells them.
func (r *Rehearsal) Advance(ctx context.Context, to time.Time) error {
	for ; !r.tick.After(to); r.tick = r.tick.Add(r.every) {
		waits := false
		for name := layers.NameL2; name <= layers.NameL5; name++ {
			for _, layer := range r.layers[name] {
				ticker, ok := layer.(layers.Ticker)
				if !ok || !ticker.Waiting() {
					continue
				}
				waits = true
				if err := r.announce(name, ticker.Tick(r.tick)); err != nil {
					return err
				}
			}
		}
		if err := r.takeOwn(ctx); err != nil {
			return err
		}
		if !waits { // Nobody does until the next signal.
			r.tick = r.tick.Add(to.Sub(r.tick).Truncate(r.every))
		}
		if err := context.Cause(ctx); ctx.Err() != nil {
			return err
		}
	}
	if to.After(r.now) {
		r.now = to.UTC()
	}
	return nil
}

// climb lets the layers decide, from L1 up, until one answers.
func (r *Rehearsal) climb(ctx context.Context, e *layers.Envelope) error {
	for name, again := layers.NameL1, false; ; {
		decision, err := r.decide(ctx, name, r.instance(name, e, again), e)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			r.bury(e, name, err)
			return nil
		}
		e.Hops = append(e.Hops, layers.Hop{Layer: name})
		switch {
		case decision.Again:
			return nil
		case decision.Disposition != layers.DispositionEscalated:
			r.publish(pipeline.VerdictOn(e, name, &decision, r.now))
			return r.announce(name, decision.Events)
		}
		if err := r.announce(name, decision.Events); err != nil {
			return err
		}
		if decision.Correlate && again {
			return fmt.Errorf("rehearsal: %s hands %s to its correlator, which it is", name, e.ID)
		}
		again = decision.Correlate
		if !decision.Correlate {
			name, _ = name.Next()
		}
		if e, err = carry(e); err != nil {
			return err
		}
	}
}

// carry returns the envelope as the next layer reads it.
func carry(e *layers.Envelope) (*layers.Envelope, error) {
	data, err := pipeline.AppendEnvelope(nil, e)
	if err != nil {
		return nil, err
	}
	return pipeline.DecodeEnvelope(data)
}

// decide asks a layer. A panic is a failure of this signal, as in a running HAL9.
func (r *Rehearsal) decide(ctx context.Context, name layers.Name, layer layers.Layer, e *layers.Envelope) (decision layers.Decision, err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = fmt.Errorf("pipeline: layer %s panicked: %v", name, caught)
		}
	}()
	if decision, err = layer.Decide(ctx, e); err != nil {
		return decision, err
	}
	e.Rekey()
	return decision, pipeline.CheckDecision(name, &decision)
}

// instance returns the layer's instance that decides on an envelope.
func (r *Rehearsal) instance(name layers.Name, e *layers.Envelope, correlates bool) layers.Layer {
	if correlates {
		return r.layers[name][0]
	}
	return r.layers[name][pipeline.PartitionFor(name, e, len(r.layers[name]))]
}

// bury gives a signal that can't be decided its verdict.
func (r *Rehearsal) bury(e *layers.Envelope, name layers.Name, err error) {
	e.Hops = append(e.Hops, layers.Hop{Layer: name})
	e.Findings.Anomaly = 0
	r.publish(pipeline.VerdictOn(e, name, &layers.Decision{Disposition: layers.DispositionDead, Reason: err.Error()}, r.now))
}

func (r *Rehearsal) publish(v layers.Verdict) {
	r.tracker.Observe(&v)
	r.audience.Verdict(&v)
}

// announce tells the audience what a layer announces, and the other layers what concerns them.
func (r *Rehearsal) announce(from layers.Name, events []layers.Event) error {
	for _, event := range events {
		switch {
		case event.Situation != nil:
			s := *event.Situation
			s.MemberIDs, s.Entities, s.Recalled = slices.Clone(s.MemberIDs), slices.Clone(s.Entities), slices.Clone(s.Recalled)
			r.audience.Situation(&s)
			if from == layers.NameL4 {
				if err := r.tell(event.Situation); err != nil {
					return err
				}
			}
		case event.Plan != nil:
			p := *event.Plan
			p.Steps, p.Reasons, p.Recalled = slices.Clone(p.Steps), slices.Clone(p.Reasons), slices.Clone(p.Recalled)
			r.audience.Plan(&p)
		case event.Signal != nil:
			record, err := pipeline.OwnSignalRecord(event.Signal)
			if err == nil {
				r.own = append(r.own, Message{Subject: record.Subject, Data: record.Data})
			}
		}
	}
	return nil
}

// tell lets L3's correlator hear that L4 has a plan.
func (r *Rehearsal) tell(s *layers.Situation) error {
	note, err := pipeline.PlannedNote(s)
	if err != nil {
		return err
	}
	if listener, ok := r.layers[layers.NameL3][0].(layers.Listener); ok {
		return listener.Hear(note)
	}
	return nil
}
