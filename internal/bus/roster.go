package bus

import (
	"context"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Roster follows which processes work on which layers, for whoever shows it. It takes no part itself.
type Roster struct {
	bus   *Bus
	began time.Time

	mu   sync.Mutex
	view *leaseView // nil while it is not known
}

// Staff is who works on a layer.
type Staff struct {
	Processes int
	Owned     int // partitions that a living process owns; of L1, which has none, 0
}

// Roster returns a roster that knows nothing before Run.
func (b *Bus) Roster() *Roster { return &Roster{bus: b, began: time.Now()} }

// Run follows until ctx ends. Where it can't, it begins again.
func (r *Roster) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.follow(ctx)
		r.set(nil)
		if err != nil && ctx.Err() == nil {
			r.bus.log.DebugContext(ctx, "processes not known", "error", err)
		}
		if pipeline.Pause(ctx, time.Second) != nil {
			return
		}
	}
}

func (r *Roster) set(view *leaseView) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.view = view
}

// follow reads one watch until it breaks.
func (r *Roster) follow(ctx context.Context) error {
	opening, cancel := ask(ctx)
	defer cancel()
	watch, err := r.bus.watchLeases(opening, []string{">"})
	if err != nil {
		return err
	}
	defer watch.close(ctx)
	view := newLeaseView()
	ticker := time.NewTicker(watchHeartbeat)
	defer ticker.Stop()
	for {
		if watch.current {
			r.set(view)
		}
		select {
		case msg := <-watch.incoming:
			entry, ok, err := watch.entry(msg)
			if err != nil {
				return err
			}
			if ok {
				r.mu.Lock()
				view.apply(entry, time.Since(r.began))
				r.mu.Unlock()
			}
		case <-ticker.C:
			if watch.silent() {
				return errWatch
			}
			r.mu.Lock()
			view.prune(time.Since(r.began))
			r.mu.Unlock()
		case <-watch.broken:
			return ErrDisconnected
		case <-ctx.Done():
			return nil
		}
	}
}

// Of returns who works on a layer; ok is false while that is not known.
func (r *Roster) Of(layer layers.Name, partitions int) (staff Staff, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.view == nil {
		return Staff{}, false
	}
	staff.Processes = len(r.view.membersOf(layer.String()))
	for _, key := range pipeline.StagesOf(layer, partitions) {
		if key.Shared() || key.Partition == pipeline.PartitionCritical {
			continue
		}
		if _, alive := r.view.members[r.view.leases[key.Name()].session]; alive {
			staff.Owned++
		}
	}
	return staff, true
}
