package load

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// performer carries out operations; *target is one.
type performer interface {
	// perform returns nil where the operation has succeeded, soon after ctx ends at the latest.
	perform(ctx context.Context, t task) error
}

// run is one run under way.
type run struct {
	cfg       Config
	performer performer
	recorder  *recorder
	now       func() time.Time
	began     time.Time
	ends      time.Time // of the schedule
	underWay  atomic.Int64
}

func newRun(cfg Config, p performer) *run {
	return &run{cfg: cfg, performer: p, recorder: newRecorder(), now: time.Now}
}

// runName starts the ids of a run's signals: no two runs share it.
func runName(now time.Time) string { return sourcePrefix + strconv.FormatInt(now.UnixNano(), 36) }

// play lets the users live until all they have scheduled is done or the run must end.
func (r *run) play(outer context.Context, watch func(Snapshot)) Result {
	r.began = r.now()
	r.ends = r.began.Add(r.cfg.For)
	ctx, cancel := context.WithDeadlineCause(outer, r.ends.Add(r.cfg.Timeout), errOver)
	defer cancel()
	var users sync.WaitGroup
	name := runName(r.began)
	for number := range r.cfg.Users {
		users.Go(func() { newUser(&r.cfg, name, number).live(ctx, r) })
	}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { r.watch(done, watch) })
	users.Wait()
	close(done)
	watching.Wait()
	return r.result(outer.Err() != nil)
}

// watch says every period how it goes, until the run is done.
func (r *run) watch(done <-chan struct{}, watch func(Snapshot)) {
	if watch == nil {
		return
	}
	ticker := time.NewTicker(r.cfg.Period)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			watch(r.snapshot())
		case <-done:
			return
		}
	}
}

// Snapshot is how a run goes.
type Snapshot struct {
	Elapsed  time.Duration
	For      time.Duration
	Users    int
	UnderWay int     // operations that are begun and not ended
	Recent   Figures // of all operations since the last snapshot, or the beginning
	Period   time.Duration
	Errors   uint64 // since the beginning
}

func (r *run) snapshot() Snapshot {
	recent, errors := r.recorder.recent()
	return Snapshot{
		Elapsed: r.now().Sub(r.began), For: r.cfg.For, Users: r.cfg.Users, UnderWay: int(r.underWay.Load()),
		Recent: recent, Period: r.cfg.Period, Errors: errors,
	}
}
