package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// stage is one life of a stage: from its checkpoint until it is told to stop or something
// fails. A failure ends it; the Runner starts the next life from the last checkpoint.
type stage struct {
	key    StageKey
	cfg    Config
	deps   Deps
	worker worker
	opened func()      // called once the stage consumes
	beat   func()      // called with every turn of its loop
	valid  func() bool // whether no other process can own the stage

	source     Source
	checkpoint Checkpoint
	replay     replay

	unsaved   int       // messages settled since the last checkpoint
	saved     time.Time // when that was
	saveCost  time.Duration
	lastTick  time.Time
	effects   []effect
	publishes []Record
}

// worker turns deliveries into records. It has one goroutine.
type worker interface {
	handle(ctx context.Context, d *Delivery) (effect, error)
	tick(now time.Time) ([]Record, error)
	waiting() bool
	snapshot() (state []byte, keeps bool, err error)
	restore(state []byte) error
}

// run works until ctx ends, then settles what it has taken and saves a checkpoint. Work in
// progress may go on for the drain time, unless the stage was taken away.
func (s *stage) run(ctx context.Context) (err error) {
	work, cancel := drainContext(ctx, s.cfg.DrainTime)
	defer cancel()
	if err := s.open(ctx); err != nil {
		return err
	}
	defer s.source.Close()
	s.opened()
	for ctx.Err() == nil {
		s.beat()
		burst, err := s.source.Next(ctx, s.cfg.TickEvery)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err := s.settle(work, burst); err != nil {
			return err
		}
		if err := s.keepTime(work); err != nil {
			return err
		}
		if s.checkpointDue() {
			if err := s.save(work); err != nil {
				return err
			}
		}
	}
	if errors.Is(context.Cause(ctx), ErrLeaseLost) {
		return ErrLeaseLost
	}
	return s.save(work)
}

// open restores the last checkpoint, opens the source behind it and reads from the ledger
// what an earlier life has stored beyond it.
func (s *stage) open(ctx context.Context) error {
	var err error
	if !s.key.Shared() {
		if s.checkpoint, err = s.deps.Checkpoints.Load(ctx, s.key.Name()); err != nil {
			return err
		}
		if s.checkpoint.Revision > 0 {
			if err := s.worker.restore(s.checkpoint.State); err != nil {
				return fmt.Errorf("pipeline: restore %s: %w", s.key.Name(), err)
			}
		}
		s.checkpoint.State = nil
	}
	source, backlog, err := s.deps.Broker.Open(ctx, s.key, s.checkpoint.Offset)
	if err != nil {
		return err
	}
	s.source = source
	s.saved = s.deps.Now()
	s.lastTick = s.saved
	if backlog.Empty || s.key.Objectives {
		return nil
	}
	stored, err := s.deps.Broker.Stored(ctx, s.key.Layer, backlog.Oldest.Add(-s.cfg.ReplayMargin))
	if err != nil {
		source.Close()
		return err
	}
	s.replay = replay{horizon: backlog.Last, stored: stored}
	return nil
}

// settle decides a burst, stores what follows from it and acknowledges it.
func (s *stage) settle(ctx context.Context, burst []Delivery) error {
	if len(burst) == 0 {
		return nil
	}
	if err := s.recheck(ctx, burst); err != nil {
		return err
	}
	s.effects, s.publishes = s.effects[:0], s.publishes[:0]
	for i := range burst {
		if err := s.take(ctx, &burst[i]); err != nil {
			return err
		}
	}
	if err := s.deps.Broker.Publish(ctx, s.publishes); err != nil {
		return err
	}
	if err := s.source.Settle(burst); err != nil {
		return err
	}
	for i := range s.effects {
		s.effects[i].observe(s.deps.Observer, s.key.Layer)
	}
	if !s.key.Shared() {
		s.checkpoint.Offset = max(s.checkpoint.Offset, burst[len(burst)-1].Seq)
		s.unsaved += len(burst)
	}
	clear(s.publishes)
	return nil
}

// take lets the worker handle one delivery and keeps what is not stored yet.
func (s *stage) take(ctx context.Context, d *Delivery) error {
	if !s.key.Shared() && d.Seq <= s.checkpoint.Offset {
		return nil // settled before; the acknowledgement got lost
	}
	if !s.key.Shared() && d.HeaderValue(HeaderKind) == KindTick { // at L1 it is a sender's own header
		return s.takeTick(d)
	}
	done, err := s.worker.handle(ctx, d)
	if err != nil {
		return err
	}
	before := len(done.records)
	records := s.replay.missing(d, done.records)
	s.publishes = append(s.publishes, records...)
	if before == 0 || len(records) > 0 {
		done.records = nil
		s.effects = append(s.effects, done)
	}
	return nil
}

func (s *stage) takeTick(d *Delivery) error {
	now, err := time.Parse(time.RFC3339Nano, string(d.Data))
	if err != nil {
		return nil //nolint:nilerr // A tick that is no time tells nothing; whoever wrote it is not HAL9.
	}
	records, err := s.worker.tick(now)
	s.publishes = append(s.publishes, s.replay.missing(d, records)...)
	return err
}

// recheck reads the ledger again where a shared stage gets messages that another process had
// before: that process may have stored what follows from them without acknowledging.
func (s *stage) recheck(ctx context.Context, burst []Delivery) error {
	if !s.key.Shared() {
		return nil
	}
	var since time.Time
	var last uint64
	for i := range burst {
		d := &burst[i]
		if d.Attempt > 1 && d.Seq > s.replay.horizon {
			last = max(last, d.Seq)
			if since.IsZero() || d.Stored.Before(since) {
				since = d.Stored
			}
		}
	}
	if last == 0 {
		return nil
	}
	stored, err := s.deps.Broker.Stored(ctx, s.key.Layer, since.Add(-s.cfg.ReplayMargin))
	if err != nil {
		return err
	}
	s.replay.again = stored
	return nil
}

// keepTime writes the time into the stage's own stream while its layer waits for something.
func (s *stage) keepTime(ctx context.Context) error {
	now := s.deps.Now()
	if now.Sub(s.lastTick) < s.cfg.TickEvery || !s.worker.waiting() {
		return nil
	}
	s.lastTick = now
	text := now.UTC().Format(time.RFC3339Nano)
	return s.deps.Broker.Publish(ctx, []Record{{
		Subject: SubjectOf(s.key.Layer, s.key.Partition),
		ID:      "tick." + s.key.Name() + "." + text,
		Header:  map[string]string{HeaderKind: KindTick},
		Data:    []byte(text),
	}})
}

// checkpointDue keeps the cost of checkpoints below a twentieth of the stage's time.
func (s *stage) checkpointDue() bool {
	if s.unsaved == 0 {
		return false
	}
	since := s.deps.Now().Sub(s.saved)
	if since < 20*s.saveCost {
		return false
	}
	return s.unsaved >= s.cfg.CheckpointMessages || since >= s.cfg.CheckpointEvery
}

func (s *stage) save(ctx context.Context) error {
	if s.unsaved == 0 {
		return nil
	}
	start := s.deps.Now()
	state, keeps, err := s.worker.snapshot()
	if err != nil {
		return fmt.Errorf("pipeline: snapshot %s: %w", s.key.Name(), err)
	}
	if !keeps {
		return nil
	}
	cp := Checkpoint{Offset: s.checkpoint.Offset, State: state, Revision: s.checkpoint.Revision}
	revision, err := s.deps.Checkpoints.Save(ctx, s.key.Name(), cp)
	if err != nil {
		return err
	}
	s.checkpoint.Revision = revision
	s.unsaved = 0
	s.saved = s.deps.Now()
	s.saveCost = s.saved.Sub(start)
	s.deps.Observer.Checkpointed(s.key.Layer, len(state))
	return nil
}

// drainContext returns a context for work in progress: it outlives ctx by the drain time, but
// ends with it at once where the stage belongs to somebody else by now.
func drainContext(ctx context.Context, drain time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if cause := context.Cause(ctx); errors.Is(cause, ErrLeaseLost) {
			cancel(cause)
			return
		}
		timer := time.NewTimer(drain)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(fmt.Errorf("pipeline: work did not finish within %s of the stop", drain))
		case <-work.Done():
		}
	})
	return work, func() { stop(); cancel(nil) }
}
