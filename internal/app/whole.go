package app

import (
	"context"
	"errors"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/telemetry"
	"github.com/2lab-ai/hal9/internal/web"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// kept is what the streams of results keep.
type kept struct {
	verdicts, situations, plans, dead bus.Kept
}

// watched returns the layers whose queues this process shows: its own, or all where it shows the whole.
func (a *App) watched() []layers.Name {
	if a.cfg.Whole {
		return layers.Names()
	}
	return a.cfg.Layers
}

// watchWhole keeps what all processes together have done, where this process shows it.
func (a *App) watchWhole(ctx context.Context) {
	if !a.cfg.Whole {
		return
	}
	every(ctx, queuePeriod, func(ctx context.Context) {
		if err := a.lookAtWhole(ctx); err != nil && ctx.Err() == nil {
			a.kept.Store(nil)
			a.metrics.SetWhole(nil)
			a.log.DebugContext(ctx, "results not counted", "error", err)
		}
	})
}

func (a *App) lookAtWhole(ctx context.Context) error {
	var k kept
	var failed []error
	for _, count := range []struct {
		stream, root string
		into         *bus.Kept
	}{
		{pipeline.StreamVerdicts, pipeline.SubjectVerdicts, &k.verdicts},
		{pipeline.StreamSituations, pipeline.SubjectSituations, &k.situations},
		{pipeline.StreamPlans, pipeline.SubjectPlans, &k.plans},
		{pipeline.StreamDead, pipeline.SubjectDead, &k.dead},
	} {
		counts, err := a.bus.Kept(ctx, count.stream, count.root)
		*count.into, failed = counts, append(failed, err)
	}
	store, err := a.bus.StoreBytes(ctx)
	if err = errors.Join(append(failed, err)...); err != nil {
		return err
	}
	a.kept.Store(&k)
	a.metrics.SetWhole(k.whole(store))
	return nil
}

// watchStaff shows who works on the layers. It asks nothing of the streams of results, one of which may have no leader.
func (a *App) watchStaff(ctx context.Context) {
	if !a.cfg.Whole {
		return
	}
	every(ctx, queuePeriod, func(context.Context) {
		s := telemetry.Staff{Processes: map[layers.Name]int{}, Unowned: map[layers.Name]int{}}
		for layer, staff := range a.staff() {
			s.Processes[layer] = staff.Processes
			if layer != layers.NameL1 {
				s.Unowned[layer] = a.partitions - staff.Owned
			}
		}
		a.metrics.SetStaff(s)
	})
}

// staff returns who works on each layer, as far as that is known.
func (a *App) staff() map[layers.Name]bus.Staff {
	all := map[layers.Name]bus.Staff{}
	for _, layer := range layers.Names() {
		if staff, ok := a.roster.Of(layer, a.partitions); ok {
			all[layer] = staff
		}
	}
	return all
}

func (k *kept) whole(store uint64) *telemetry.Whole {
	w := &telemetry.Whole{StoreBytes: store, Open: k.open()}
	for _, layer := range layers.Names() {
		l := telemetry.Kept{Layer: layer, Dead: k.dead.Counts[layer.String()], Verdicts: map[layers.Disposition]uint64{}}
		for _, d := range layers.Dispositions() {
			l.Verdicts[d] = k.verdicts.Counts[layer.String()+"."+d.String()]
		}
		w.Layers = append(w.Layers, l)
	}
	return w
}

// open returns how many situations were opened and not closed, nil once their stream has dropped the oldest: those were opened before they
// were closed, so that what is left has too few that opened.
func (k *kept) open() *uint64 {
	if k.situations.Dropped {
		return nil
	}
	opened, closed := k.situations.Counts[string(layers.SituationOpened)], k.situations.Counts[string(layers.SituationClosed)]
	open := opened - min(opened, closed)
	return &open
}

// signals returns what a layer decided: its verdicts, and the verdicts of those above it, which it handed up.
func (k *kept) signals(layer layers.Name) map[layers.Disposition]uint64 {
	counts := map[layers.Disposition]uint64{}
	for _, l := range layers.Names() {
		for _, d := range layers.Dispositions() {
			n := k.verdicts.Counts[l.String()+"."+d.String()]
			switch {
			case l == layer:
				counts[d] += n
			case l > layer:
				counts[layers.DispositionEscalated] += n
			}
		}
	}
	return counts
}

// showWhole makes the status that of all processes.
func (a *App) showWhole(st *web.Status) {
	k := a.kept.Load()
	staff := a.staff()
	for i := range st.Layers {
		l := &st.Layers[i]
		if s, ok := staff[l.Layer]; ok {
			l.Staff = &web.Staff{Processes: s.Processes}
			l.Running = s.Processes > 0
			if l.Layer != layers.NameL1 {
				l.Partitions = &web.Partitions{Owned: s.Owned, All: a.partitions}
			}
		}
		if k != nil {
			l.Signals = k.signals(l.Layer)
		}
	}
	st.Whole = &web.Whole{}
	if k != nil {
		*st.Whole = web.Whole{Known: true, Open: k.open(), Plans: k.plans.Counts[string(layers.PlanProposed)], Dead: sum(k.dead.Counts)}
	}
}

func sum(counts map[string]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// checkQueues says of each layer that is shown whether its queue can be read.
func (a *App) checkQueues() (checks []web.Check) {
	for _, layer := range a.watched() {
		check := web.Check{Name: layer.String(), OK: a.queues[layer].Load() != nil, Detail: "its queue can be read"}
		if !check.OK {
			check.Detail = "its queue is not known: is NATS up and provisioned? hal9 provision --nats " + a.bus.URL()
		}
		checks = append(checks, check)
	}
	return checks
}
