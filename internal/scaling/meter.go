package scaling

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// crowdedTime is for how long a layer counts as crowded after it was: who waits for it looks again and again.
const crowdedTime = 4 * time.Second

// meter measures all layers.
type meter struct {
	bus       *bus.Bus
	gauge     *bus.Gauge
	roster    *bus.Roster
	pressures *bus.Pressures
	crowded   map[layers.Name]time.Time // when a layer was last

	mu    sync.Mutex
	staff map[layers.Name]staffing
}

// staffing is who worked on a layer when that was known last.
type staffing struct {
	processes int
	at        time.Time
}

// staffTime is for how long that counts where it is not known, as while the leases are read anew.
const staffTime = 10 * time.Second

func newMeter(ctx context.Context, b *bus.Bus) (*meter, error) {
	m := &meter{bus: b, roster: b.Roster(), crowded: map[layers.Name]time.Time{}, staff: map[layers.Name]staffing{}}
	var err error
	if m.gauge, err = b.Gauge(ctx); err != nil {
		return nil, err
	}
	m.pressures, err = b.Pressures(ctx)
	return m, err
}

// run follows what comes by itself, until ctx ends.
func (m *meter) run(ctx context.Context) {
	var work errgroup.Group
	for _, run := range []func(context.Context){m.roster.Run, m.pressures.Run} {
		work.Go(func() error { run(ctx); return nil })
	}
	_ = work.Wait()
}

// read measures each layer: its reading or why there is none, in the order of the layers.
func (m *meter) read(ctx context.Context) (readings []*policy.Reading, failed []error) {
	names := layers.Names()
	readings, failed = make([]*policy.Reading, len(names)), make([]error, len(names))
	m.look(time.Now())
	var work errgroup.Group
	for i, layer := range names {
		work.Go(func() error {
			readings[i], failed[i] = m.readLayer(ctx, layer)
			return nil
		})
	}
	_ = work.Wait()
	return readings, failed
}

// look notes which layers are crowded.
func (m *meter) look(now time.Time) {
	for _, layer := range layers.Names()[1:] {
		if pipeline.Crowded(m.pressures, layer, m.gauge.Partitions()) {
			m.crowded[layer] = now
		}
	}
}

func (m *meter) wasCrowded(layer layers.Name) bool {
	at, ok := m.crowded[layer]
	return ok && time.Since(at) < crowdedTime
}

// processes returns how many work on a layer.
func (m *meter) processes(layer layers.Name) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if staff, ok := m.roster.Of(layer, m.gauge.Partitions()); ok {
		m.staff[layer] = staffing{staff.Processes, time.Now()}
	}
	if last := m.staff[layer]; time.Since(last.at) < staffTime {
		return last.processes, nil
	}
	return 0, fmt.Errorf("scaling: it is not known yet which processes work on %s", layer)
}

func (m *meter) readLayer(ctx context.Context, layer layers.Name) (*policy.Reading, error) {
	load, err := m.gauge.Read(ctx, layer)
	if err != nil {
		return nil, err
	}
	processes, err := m.processes(layer)
	if err != nil {
		return nil, err
	}
	r := &policy.Reading{
		Waiting: load.Waiting, Working: load.Working, Parked: load.Parked, Oldest: load.Oldest,
		Arrived: load.Arrived, Finished: load.Finished, Replicas: processes,
	}
	if layer == layers.NameL1 { // All share one queue, and wait for no layer.
		return r, nil
	}
	r.Partitions, r.Busy, r.Crowded = m.gauge.Partitions(), load.Busy, m.wasCrowded(layer)
	if next, ok := layer.Next(); ok {
		r.HeldBack = m.wasCrowded(next)
	}
	return r, nil
}
