package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/layers"
)

// stage is one life of a stage: from its checkpoint until it is told to stop or something
// fails. A failure ends it; the Runner starts the next life from the last checkpoint.
type stage struct {
	key     StageKey
	cfg     Config
	deps    Deps
	worker  worker
	filter  *filter
	out     *outbox
	opened  func()         // called once the stage consumes
	beat    func()         // called with every turn of its loop
	valid   func() bool    // whether no other process can own the stage
	told    *atomic.Uint64 // up to which message the Observer was told, over all lives in this process
	watch   *watch
	stopped <-chan struct{} // closed when it is told to stop
	left    atomic.Bool     // left behind, since its layer hangs
	noted   atomic.Bool     // the signal at hand is written down as tried

	mu         sync.Mutex // guards source where the stage is left behind
	source     Source
	checkpoint Checkpoint
	replay     replay
	reach      ScoutRange // of the scout: the range that it works on
	sure       bool       // of the scout: nobody has been at work on what lies behind the checkpoint
	caution    caution

	pace     pace      // of deciding and storing
	speed    pace      // the same with the time for which it is held back
	unsaved  int       // messages settled since the last checkpoint
	saved    time.Time // when that was
	saveCost time.Duration
	lastTick time.Time
	yielded  time.Time // when others had the processor last
	saidFull time.Time // when the stage last said that there is no room
}

// worker decides what deliveries hold and puts what follows into the outbox. It has one goroutine.
type worker interface {
	handle(ctx context.Context, d *Delivery, s *stage) error
	tick(now time.Time) ([]Record, error)
	hear(n *layers.Note) error
	waiting() bool
	begin()
	stateful
}

// stateful is a worker's state.
type stateful interface {
	snapshot() (state []byte, keeps bool, err error)
	restore(state []byte) error
	changed() []Record // what is to be stored of its state
	recover(ctx context.Context) error
}

// run works until ctx ends, then settles what it has taken and saves a checkpoint. Work in
// progress may go on for the drain time, unless the stage was taken away.
func (s *stage) run(ctx context.Context) (err error) {
	s.stopped = ctx.Done()
	work, cancel := drainContext(ctx, s.cfg.DrainTime)
	var watching sync.WaitGroup
	watching.Go(func() { s.watch.run(work) })
	defer func() {
		s.close()
		cancel()
		watching.Wait()
	}()
	if s.key.Scouts() {
		return s.scout(ctx, work)
	}
	if err := s.begin(ctx); err != nil {
		return unlessEnded(ctx, err) // It has taken nothing yet.
	}
	s.opened()
	return s.turns(ctx, work, func(context.Context) (bool, error) { return false, nil })
}

// turns takes burst after burst until ctx ends or it is over for another reason, then saves a checkpoint.
func (s *stage) turns(ctx, work context.Context, over func(context.Context) (bool, error)) error {
	var took time.Duration
	for ctx.Err() == nil {
		s.beat()
		held := s.deps.Now()
		s.hold(ctx, took)
		holding := s.deps.Now().Sub(held)
		burst, err := s.source.Next(ctx, s.patience(), s.window())
		if err != nil && ctx.Err() == nil {
			return err
		}
		began := s.deps.Now()
		s.report(burst, false)
		if err := s.settle(ctx, work, burst); err != nil {
			return err
		}
		took = s.deps.Now().Sub(began)
		if len(burst) > 0 {
			s.pace.add(len(burst), took)
			s.speed.add(len(burst), took+holding)
		}
		s.report(burst, true)
		if err := s.keepTime(work); err != nil {
			return err
		}
		if s.checkpointDue() {
			if err := s.save(work); err != nil {
				return err
			}
		}
		if done, err := over(work); done || err != nil {
			return errors.Join(err, s.save(work))
		}
	}
	if errors.Is(context.Cause(ctx), ErrLeaseLost) {
		return ErrLeaseLost
	}
	s.source.Return()
	return s.save(work)
}

// patience is how long a turn waits for a message.
func (s *stage) patience() time.Duration {
	if s.key.Scouts() {
		return scoutLook
	}
	return s.cfg.TickEvery
}

// openSource opens the source behind the checkpoint and returns what waits there.
func (s *stage) openSource(ctx context.Context) (Backlog, error) {
	source, backlog, err := s.deps.Broker.Open(ctx, s.key, s.checkpoint.Offset)
	if err != nil {
		return backlog, err
	}
	s.mu.Lock()
	s.source = source
	s.mu.Unlock()
	s.saved = s.deps.Now()
	s.lastTick = s.saved
	s.out = newOutbox(s.key, s.cfg.MaxRecordBytes)
	s.out.from = Sender{Layer: s.key.Layer, Partition: s.key.Partition, Born: backlog.Born.UnixNano()}
	return backlog, nil
}

// close stops fetching.
func (s *stage) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source != nil {
		s.source.Close()
	}
}

// leave gives the stage up while its goroutine hangs in a layer: it fetches and stores nothing more, should it
// ever go on.
func (s *stage) leave() {
	s.left.Store(true)
	s.close()
}

// begin makes the stage what it was at its last checkpoint and opens its source. While it does, nobody works on the partition, and most of it is
// waiting for answers: what does not need another answer is asked at the same time.
func (s *stage) begin(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	beginning, ctx := errgroup.WithContext(ctx)
	beginning.Go(func() error { return s.restore(ctx) })
	beginning.Go(func() error {
		backlog, err := s.openSource(ctx)
		if err != nil {
			return err
		}
		beginning.Go(func() error { return s.countLife(ctx, backlog) })
		return s.recall(ctx, backlog)
	})
	return beginning.Wait()
}

// load reads the last checkpoint, without the state.
func (s *stage) load(ctx context.Context) (err error) {
	s.filter = newFilter(s.key)
	if !s.key.Shared() {
		s.checkpoint, err = s.deps.Checkpoints.Load(ctx, s.key.Name())
	}
	return err
}

// restore brings back the state of the last checkpoint, and what the filter reads of it from the stage's own stream.
func (s *stage) restore(ctx context.Context) error {
	if s.checkpoint.Revision == 0 {
		return nil
	}
	saved, err := s.deps.Checkpoints.State(ctx, s.key.Name())
	if err != nil {
		return err
	}
	state, idsFrom, err := s.filter.restore(saved)
	if err == nil {
		err = s.worker.restore(state)
	}
	if err == nil {
		err = s.worker.recover(ctx)
	}
	if err != nil {
		return fmt.Errorf("pipeline: restore %s: %w", s.key.Name(), err)
	}
	if idsFrom == 0 || s.filter.ids == nil {
		return nil
	}
	return s.deps.Broker.Past(ctx, s.key, idsFrom, s.checkpoint.Offset, s.filter.ids.readHead)
}

// recall reads what is stored already of what follows from the backlog.
func (s *stage) recall(ctx context.Context, backlog Backlog) error {
	s.replay = replay{shared: s.key.Shared()}
	if backlog.Empty {
		return nil
	}
	s.replay.horizon = backlog.Last
	if s.key.Shared() && backlog.Last < backlog.First {
		return nil // All that was ever delivered is settled.
	}
	s.replay.since = backlog.Oldest.Add(-s.cfg.ReplayMargin)
	// L1 looks again before each burst, and then reads only what has come since: while it has messages on loan it must not be
	// long at it.
	stored, upTo, err := s.deps.Broker.Stored(ctx, s.key.Layer, s.checkpoint.Ledger, s.replay.since)
	s.replay.stored, s.replay.upTo = stored, upTo
	return err
}

// keepTime writes the time into the stage's own stream while its layer waits for something.
func (s *stage) keepTime(ctx context.Context) error {
	now := s.deps.Now()
	if now.Sub(s.lastTick) < s.cfg.TickEvery || !s.worker.waiting() {
		return nil
	}
	s.lastTick = now
	text := now.UTC().Format(time.RFC3339Nano)
	return s.publish(ctx, []Record{{
		Subject: SubjectOf(s.key.Layer, s.key.Partition),
		ID:      "tick." + s.key.Name() + "." + text,
		Header:  map[string]string{HeaderKind: KindTick},
		Data:    []byte(text),
	}}, time.Time{})
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
	many := s.unsaved >= s.cfg.CheckpointMessages && !s.key.Scouts() // It passes over nearly all of them.
	return many || since >= s.cfg.CheckpointEvery
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
	cp := Checkpoint{Offset: s.checkpoint.Offset, Revision: s.checkpoint.Revision}
	if !s.key.Scouts() { // It has no state, and storing nothing takes as long as storing something.
		cp.State = s.filter.snapshot(state)
	}
	if cp.Offset < s.replay.horizon { // What follows from the rest may be stored since the last life.
		cp.Ledger = s.checkpoint.Ledger
		if cp.Ledger == nil {
			cp.Ledger = Ledger{}
		}
	}
	var revision uint64
	err = s.insist(ctx, func(ctx context.Context, _ bool) (err error) {
		revision, err = s.deps.Checkpoints.Save(ctx, s.key.Name(), cp)
		return err
	})
	if err != nil {
		return err
	}
	s.checkpoint.Revision = revision
	s.unsaved = 0
	s.saved = s.deps.Now()
	s.saveCost = s.saved.Sub(start)
	s.deps.Observer.Checkpointed(s.key.Layer, len(cp.State))
	return nil
}
