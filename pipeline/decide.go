package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Decoder turns what stands in a stage's stream into envelopes.
type Decoder interface {
	// Decode returns the envelope of a delivery; its errors are permanent.
	Decode(d *Delivery) (*layers.Envelope, error)
	// Name returns source and id under which a delivery is reported that Decode refuses.
	Name(d *Delivery) (source, id string)
}

// layerWorker lets a layer decide deliveries.
type layerWorker struct {
	key     StageKey
	cfg     Config
	deps    Deps
	layer   layers.Layer
	decoder Decoder
	mark    func(*layers.Signal) []layers.Mark // nil but at L1
	parcel  parcel
	near    map[string]struct{} // subjects of which the scout reads everything
}

// handle never returns an error that the same delivery would cause again: what can't be
// decided becomes a dead letter. Only what a later build wrote waits for one.
func (w *layerWorker) handle(ctx context.Context, d *Delivery, s *stage) error {
	if _, packed := w.decoder.(Envelopes); packed {
		return w.unpack(ctx, d, s)
	}
	if w.key.Scouts() {
		return w.look(ctx, d, s)
	}
	e, err := w.decoder.Decode(d)
	if err != nil {
		return w.dead(d, w.unnamed(d), s, failure{err: err, attempts: 1, start: w.deps.Now()})
	}
	if passes, err := w.passesOver(ctx, d, e); passes || err != nil {
		return err
	}
	w.parcel = parcel{Envelope: *e, identity: identityOf(e.Source, e.ID), at: Position{Seq: d.Seq}}
	return w.one(ctx, d, s)
}

// unpack decides the signals of a pack, but for those that the stage has had before. What can't be read in it becomes one letter, and
// harms no neighbour.
func (w *layerWorker) unpack(ctx context.Context, d *Delivery, s *stage) error {
	pack, err := OpenPack(d.Data)
	if err != nil {
		return w.dead(d, w.unnamed(d), s, failure{err: err, attempts: 1, start: w.deps.Now()})
	}
	if err := checkVersion(d, pack); err != nil {
		return err
	}
	p := &w.parcel
	var broken error
	for index := uint32(0); ; index++ {
		data, at, ok := pack.Next()
		if !ok {
			break
		}
		if err := p.decode(data); err != nil {
			broken = err
			continue
		}
		p.at = Position{Seq: d.Seq, Index: index}
		if !s.filter.fresh(pack.Sender, at, &p.identity, d.Seq) ||
			isCritical(&p.Envelope) && !s.filter.freshCritical(pack.Sender, &p.identity, d.Seq) {
			continue
		}
		if err := w.one(ctx, d, s); err != nil {
			return err
		}
	}
	if err := cmp.Or(pack.Err(), broken); err != nil {
		return w.dead(d, w.unnamed(d), s, failure{err: err, attempts: 1, start: w.deps.Now()})
	}
	return nil
}

// one decides the signal in w.parcel.
func (w *layerWorker) one(ctx context.Context, d *Delivery, s *stage) error {
	p := &w.parcel
	start, hops := s.giveWay(), len(p.Hops)
	if w.mark != nil {
		p.Findings.Marks = w.mark(&p.Signal)
	}
	decision, attempts, err := w.tryCarefully(ctx, d, s)
	if fatal, ok := errors.AsType[*fatalError](err); ok {
		return w.dead(d, p, s, failure{err: err, attempts: fatal.tries, start: start, hops: hops})
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("pipeline: %s stopped while it decided: %w", w.key.Name(), context.Cause(ctx))
	}
	if err == nil {
		err = w.follow(p, &decision, d, s, start)
	}
	if err == nil {
		s.out.signals++
		return nil
	}
	if attempts == 0 || !layers.IsPermanent(err) && attempts < w.cfg.MaxAttempts {
		return err // The broker's, not the layer's.
	}
	return w.dead(d, p, s, failure{err: err, attempts: attempts, start: start, hops: hops})
}

// tryCarefully writes tries down where the stage is careful.
func (w *layerWorker) tryCarefully(ctx context.Context, d *Delivery, s *stage) (layers.Decision, int, error) {
	careful, err := s.careful(ctx, d, w.parcel.at)
	if err != nil {
		return layers.Decision{}, 0, err
	}
	if !careful {
		return w.decide(ctx, &w.parcel, s.watch)
	}
	if err := s.try(ctx, w.parcel.at); err != nil {
		return layers.Decision{}, 0, err
	}
	decision, attempts, err := w.decide(ctx, &w.parcel, s.watch)
	return decision, attempts, errors.Join(err, s.survived(ctx, w.parcel.at))
}

// decide asks the layer, several times where it fails in passing.
func (w *layerWorker) decide(ctx context.Context, p *parcel, clock *watch) (layers.Decision, int, error) {
	delay := w.cfg.RetryDelay
	for attempt := 1; ; attempt++ {
		decision, err := w.try(ctx, p, clock)
		if err == nil || layers.IsPermanent(err) || attempt == w.cfg.MaxAttempts {
			return decision, attempt, err
		}
		w.deps.Log.WarnContext(ctx, "layer failed, trying again", "stage", w.key.Name(), "signal", p.ID, "attempt", attempt, "error", err)
		if err := Pause(ctx, delay); err != nil {
			return layers.Decision{}, attempt, err
		}
		delay *= 2
	}
}

// try asks the layer once. A panic is a failure like any other: the next signal is decided. So is running out of
// time.
func (w *layerWorker) try(ctx context.Context, p *parcel, clock *watch) (decision layers.Decision, err error) {
	defer func() {
		if r := recover(); r != nil {
			w.deps.Log.ErrorContext(ctx, "layer panicked", "stage", w.key.Name(), "signal", p.ID, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("pipeline: layer %s panicked: %v", w.key.Layer, r)
		}
	}()
	limited := clock.begin(ctx, p.at)
	defer clock.done()
	decision, err = w.layer.Decide(limited, &p.Envelope)
	if late, ok := errors.AsType[*timeError](context.Cause(limited)); ok && err != nil {
		return decision, late
	}
	if err != nil {
		return decision, err
	}
	return decision, CheckDecision(w.key.Layer, &decision)
}

// CheckDecision returns an error, a permanent one, where a layer's answer is none that it may give.
func CheckDecision(layer layers.Name, d *layers.Decision) error {
	_, hasNext := layer.Next()
	switch {
	case d.Disposition < layers.DispositionSuppressed || d.Disposition >= layers.DispositionDead:
		return layers.Permanent(fmt.Errorf("pipeline: layer %s answered with disposition %s", layer, d.Disposition))
	case d.Disposition == layers.DispositionEscalated && !hasNext:
		return layers.Permanent(errors.New("pipeline: the highest layer handed a signal up"))
	default:
		return nil
	}
}

// unnamed returns a parcel for a delivery that could not be decoded.
func (w *layerWorker) unnamed(d *Delivery) *parcel {
	source, id := w.decoder.Name(d)
	return &parcel{
		Envelope: layers.Envelope{
			Signal:      layers.Signal{ID: id, Source: source, Key: source, Time: d.Stored},
			Origin:      d.Seq,
			ReceivedAt:  d.Stored,
			TraceParent: TraceParentOf(source, id),
		},
		identity: identityOf(source, id),
		at:       Position{Seq: d.Seq},
	}
}

func (w *layerWorker) tick(now time.Time) ([]Record, error) {
	ticker, ok := w.layer.(layers.Ticker)
	if !ok {
		return nil, nil
	}
	return eventRecords(w.key.Layer, ticker.Tick(now), "")
}

func (w *layerWorker) waiting() bool {
	ticker, ok := w.layer.(layers.Ticker)
	return ok && ticker.Waiting()
}

func (w *layerWorker) snapshot() (state []byte, keeps bool, err error) {
	keeper, ok := w.layer.(layers.Keeper)
	if !ok {
		return nil, !w.key.Shared(), nil
	}
	state, err = keeper.Snapshot()
	return state, true, err
}

func (w *layerWorker) restore(state []byte) error {
	keeper, ok := w.layer.(layers.Keeper)
	if !ok {
		return nil
	}
	return keeper.Restore(state)
}
