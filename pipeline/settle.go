package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// partTime is how long a part of a burst may take before what follows from it is stored.
const partTime = time.Second

// errOverdue ends a life that had messages in its hands for so long that somebody else may have them by now.
var errOverdue = errors.New("pipeline: it took too long, others may have been given the same messages")

// settle decides a burst, stores what follows from it and acknowledges it, in parts where the burst holds many
// signals or takes long. When stop ends, so does it after the message at hand: whoever owns the stage next is given the rest.
func (s *stage) settle(stop, ctx context.Context, burst []Delivery) error {
	if s.key.Shared() {
		if err := s.replay.refresh(ctx, burst, s.cfg.ReplayMargin, s.deps.Broker, s.key); err != nil {
			return unlessEnded(stop, err) // Nothing of it is decided: it goes back.
		}
	}
	first, began := 0, s.deps.Now()
	for i := range burst {
		s.beat() // A slow layer may be long at a burst; it gets on all the same.
		if err := s.take(ctx, &burst[i]); err != nil {
			return s.before(ctx, burst[first:i], err)
		}
		stopped := isOver(stop)
		if stopped || s.out.signals >= s.cfg.BurstSignals || i == len(burst)-1 || s.deps.Now().Sub(began) > partTime {
			if err := s.flush(ctx, burst[first:i+1]); err != nil {
				return err
			}
			first, began = i+1, s.deps.Now()
		}
		if stopped {
			return nil
		}
	}
	return nil
}

// before settles what lies in front of a message that waits for a later build: that may be long.
func (s *stage) before(ctx context.Context, done []Delivery, err error) error {
	if _, later := errors.AsType[*VersionError](err); !later || len(done) == 0 {
		return err
	}
	if failed := s.flush(ctx, done); failed != nil {
		return errors.Join(err, failed)
	}
	return errors.Join(err, s.save(ctx))
}

func isOver(ctx context.Context) bool { return ctx.Err() != nil }

// flush stores what is in the outbox and then acknowledges what led to it.
func (s *stage) flush(ctx context.Context, done []Delivery) error {
	s.out.list = append(s.out.list, s.worker.changed()...)
	if err := s.publishAll(ctx, done[0].Until); err != nil {
		return err
	}
	if err := s.insist(ctx, func(context.Context, bool) error { return s.source.Settle(done) }); err != nil {
		return err
	}
	last := done[len(done)-1].Seq
	if s.key.Scouts() && s.reach.To > 0 {
		last = min(last, s.reach.To) // It has not looked at what lies behind, and the range may go on.
	}
	for i := range s.out.effects {
		if e := &s.out.effects[i]; e.seq > s.told.Load() || s.key.Shared() {
			e.observe(s.deps.Observer, s.key.Layer)
		}
	}
	s.out.reset()
	if !s.key.Shared() {
		s.told.Store(max(s.told.Load(), last))
		s.checkpoint.Offset = max(s.checkpoint.Offset, last)
		s.unsaved += len(done)
	}
	return nil
}

// publishAll stores what is in the outbox: all at once, or results first where L3 announces situations. L4 adds to what is announced, so it
// must not see the signal before that stands in the stream.
func (s *stage) publishAll(ctx context.Context, until time.Time) error {
	records := s.out.records()
	packs := len(records) - len(s.out.list)
	if s.key.Layer == layers.NameL3 && packs > 0 && slices.ContainsFunc(records[packs:], isSituation) {
		if err := s.publish(ctx, records[packs:], until); err != nil {
			return err
		}
		records = records[:packs]
	}
	return s.publish(ctx, records, until)
}

func isSituation(r Record) bool { return strings.HasPrefix(r.Subject, SubjectSituations+".") }

// fullPause is how long a stage waits before it tries a full stream again, doubled up to 16 times this.
const fullPause = 50 * time.Millisecond

// fullSay is how often a stage says at most that it waits for room.
const fullSay = time.Minute

// publish stores records unless the stage, or the message that they follow from, belongs to somebody else by now. While
// there is no room it waits: a stage that ended instead would read all that it knows again and again.
func (s *stage) publish(ctx context.Context, records []Record, until time.Time) error {
	var since time.Time // when it began to wait
	began, said := s.deps.Now(), false
	for delay := fullPause; len(records) > 0; delay = min(2*delay, 16*fullPause) {
		if s.left.Load() || !s.valid() {
			return ErrLeaseLost
		}
		err := s.insist(ctx, func(ctx context.Context, again bool) (err error) {
			if again {
				records, err = s.unstored(ctx, records, began)
			}
			if err != nil || len(records) == 0 {
				return err
			}
			return s.store(ctx, records, until)
		})
		full, ok := errors.AsType[*FullError](err)
		if !ok {
			if err == nil && said {
				s.deps.Log.InfoContext(ctx, "there is room again", "stage", s.key.Name(), "waited", s.deps.Now().Sub(since))
			}
			return err
		}
		if since.IsZero() {
			since = s.deps.Now()
		}
		said = s.sayFull(ctx, since, full.Err) || said
		records = s.leaveOut(ctx, full)
		s.beat()
		if err := Pause(ctx, delay); err != nil {
			return err
		}
	}
	return nil
}

// leaveOut returns what is left to store. Own signals do not wait for room at L1, where room may depend on this stage; on the
// objectives nothing depends.
func (s *stage) leaveOut(ctx context.Context, full *FullError) []Record {
	if s.key.Objectives {
		return full.Left
	}
	return slices.DeleteFunc(full.Left, func(r Record) bool {
		own := strings.HasPrefix(r.Subject, SubjectSignals+".")
		if own {
			s.deps.Log.WarnContext(ctx, "no room for an own signal, it is left out", "stage", s.key.Name(), "id", r.ID, "error", full.Err)
		}
		return own
	})
}

// storeTime is how long storing may take beyond the time at which it must have begun.
const storeTime = 5 * time.Second

// store publishes once, unless the message that the records follow from may be somebody else's by then.
func (s *stage) store(ctx context.Context, records []Record, until time.Time) error {
	if until.IsZero() {
		return s.deps.Broker.Publish(ctx, records)
	}
	left := until.Sub(s.deps.Now())
	if left < 0 {
		return errOverdue
	}
	ctx, cancel := context.WithTimeoutCause(ctx, left+storeTime, errOverdue)
	defer cancel()
	return s.deps.Broker.Publish(ctx, records)
}

// sayFull says that there is no room, unless the stage said so within the last minute.
func (s *stage) sayFull(ctx context.Context, since time.Time, err error) bool {
	now := s.deps.Now()
	if !s.saidFull.IsZero() && now.Sub(s.saidFull) < fullSay {
		return false
	}
	s.saidFull = now
	s.deps.Log.WarnContext(ctx, "no room for what follows, trying again", "stage", s.key.Name(), "waited", now.Sub(since), "error", err)
	return true
}

// take lets the worker handle one delivery.
func (s *stage) take(ctx context.Context, d *Delivery) error {
	if !s.key.Shared() && d.Seq <= s.checkpoint.Offset {
		return nil // settled before; the acknowledgement got lost
	}
	if kind := d.HeaderValue(HeaderKind); !IsSignal(s.key.Layer, kind) {
		if kind == KindTick {
			return s.takeTick(d)
		}
		s.takeNote(ctx, d)
		return nil
	}
	return s.worker.handle(ctx, d, s)
}

func (s *stage) takeTick(d *Delivery) error {
	now, err := time.Parse(time.RFC3339Nano, string(d.Data))
	if err != nil {
		return nil //nolint:nilerr // A tick that is no time tells nothing; whoever wrote it is not HAL9.
	}
	records, err := s.worker.tick(now)
	s.out.list = append(s.out.list, s.replay.missing(d, records)...)
	return err
}
