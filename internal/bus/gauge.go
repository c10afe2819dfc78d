package bus

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Load is what a layer still has to do and what it has done, in signals, summed over its partitions.
type Load struct {
	Waiting  uint64        // not taken yet
	Working  uint64        // taken and not finished
	Parked   uint64        // taken more than once and not finished: whatever stopped them, more hands do not help
	Oldest   time.Duration // age of the oldest unfinished signal; 0 where there is none
	Arrived  uint64        // since the gauge began, what it found included
	Finished uint64        // since the gauge began
	Busy     int           // partitions with unfinished signals
	Fill     float64       // of the fullest stream in which a signal waits: see fillOf; 0 where none waits
}

// Depth returns all unfinished signals.
func (l Load) Depth() uint64 { return l.Waiting + l.Working + l.Parked }

// gaugeInFlight is how many partitions of a layer are asked about at a time.
const gaugeInFlight = 8

// Gauge measures layers, for who decides on their size and for who shows them. Each number comes from the leader of the consumer that it is about;
// nothing is asked of streams that are not of the layer.
type Gauge struct {
	bus        *Bus
	partitions int

	mu     sync.Mutex
	layers map[layers.Name]*layerGauge
}

// layerGauge is what is known of a layer. A read of it holds mu.
type layerGauge struct {
	mu                sync.Mutex
	stages            []*stageGauge
	arrived, finished float64 // signals

	packs packs
}

// Gauge returns a gauge of all layers.
func (b *Bus) Gauge(ctx context.Context) (*Gauge, error) {
	partitions, err := b.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	return &Gauge{bus: b, partitions: partitions, layers: map[layers.Name]*layerGauge{}}, nil
}

// Partitions returns into how many partitions the keyed layers are divided.
func (g *Gauge) Partitions() int { return g.partitions }

func (g *Gauge) layer(name layers.Name) *layerGauge {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.layers[name]
	if l == nil {
		l = &layerGauge{}
		for _, key := range pipeline.StagesOf(name, g.partitions) {
			l.stages = append(l.stages, &stageGauge{key: key})
		}
		g.layers[name] = l
	}
	return l
}

// Read measures a layer. A consumer or a stream that is missing is an error: nobody knows what waits there.
func (g *Gauge) Read(ctx context.Context, name layers.Name) (Load, error) {
	l := g.layer(name)
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make([]stageLoad, len(l.stages))
	samples := make(chan struct{}, gaugeSamples) // never emptied: so many per read
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(gaugeInFlight)
	for i, s := range l.stages {
		work.Go(func() (err error) {
			found[i], err = g.look(ctx, l, s, samples)
			return err
		})
	}
	err := work.Wait()
	load := l.sum(found, time.Now()) // What some partitions have counted is not counted again, even if others can't be read.
	if err != nil {
		return Load{}, fmt.Errorf("bus: load of %s: %w", name, err)
	}
	return load, nil
}

// ReadAll measures all layers side by side; failed says of the others why they could not be.
func (g *Gauge) ReadAll(ctx context.Context) (loads map[layers.Name]Load, failed map[layers.Name]error) {
	var mu sync.Mutex
	var wait sync.WaitGroup
	loads, failed = map[layers.Name]Load{}, map[layers.Name]error{}
	for _, layer := range layers.Names() {
		wait.Go(func() {
			load, err := g.Read(ctx, layer)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[layer] = err
				return
			}
			loads[layer] = load
		})
	}
	wait.Wait()
	return loads, failed
}

// sum adds up what was found.
func (l *layerGauge) sum(found []stageLoad, now time.Time) (load Load) {
	each := l.packs.each()
	for i := range found {
		s := &found[i]
		load.Waiting += s.waiting
		load.Working += s.working
		load.Parked += s.parked
		if s.waiting+s.working+s.parked > 0 {
			load.Busy++
			load.Fill = max(load.Fill, s.fill)
		}
		if !s.oldest.IsZero() {
			load.Oldest = max(load.Oldest, now.Sub(s.oldest))
		}
		l.arrived += float64(s.arrived) + each*float64(s.arrivedMore)
		l.finished += float64(s.finished) + each*float64(s.finishedMore)
	}
	load.Arrived, load.Finished = uint64(math.Round(l.arrived)), uint64(math.Round(l.finished))
	return load
}

// look measures a partition. What it found counts with an error, too: it is not found again.
func (g *Gauge) look(ctx context.Context, l *layerGauge, s *stageGauge, samples chan struct{}) (stageLoad, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	consumer, err := g.bus.js.Consumer(ctx, s.key.Stream(), s.key.Durable())
	if err != nil {
		return stageLoad{}, g.bus.openError(s.key, err)
	}
	info := consumer.CachedInfo()
	s.begin(info)
	if s.key.Shared() {
		return g.lookShared(ctx, s, info)
	}
	return g.lookKeyed(ctx, &l.packs, s, info, samples)
}
