package pipeline

import (
	"context"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// selfish notes how many signals it decides while another goroutine waits for the processor.
type selfish struct {
	upLayer

	turns        *atomic.Int64 // of the other goroutine
	last         int64
	row, longest int
	spins        int
}

func (l *selfish) Decide(ctx context.Context, e *layers.Envelope) (layers.Decision, error) {
	if now := l.turns.Load(); now != l.last {
		l.last, l.row = now, 0
	}
	l.row++
	l.longest = max(l.longest, l.row)
	for began := time.Now(); time.Since(began) < 50*time.Microsecond; { // It keeps the processor busy.
		l.spins++
	}
	return l.upLayer.Decide(ctx, e)
}

// TestStageLetsOthersHaveTheProcessor: whatever renews the leases of a process must not wait behind packs of signals.
func TestStageLetsOthersHaveTheProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const signals = 1000
	var list []*layers.Envelope
	for n := range signals {
		list = append(list, &layers.Envelope{Signal: layers.Signal{ID: strconv.Itoa(n), Source: "s", Key: "k", Text: "up"}})
	}
	data, err := NewPack(list...)
	if err != nil {
		t.Fatal(err)
	}
	key := StageKey{Layer: layers.NameL3, Partitions: 1}
	f := newFakes(t, key)
	layer := &selfish{turns: new(atomic.Int64)}
	f.worker = &layerWorker{key: key, cfg: f.cfg, deps: f.deps, layer: layer, decoder: Envelopes{}}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			layer.turns.Add(1)
			runtime.Gosched()
		}
	}()
	err = f.take(t.Context(), &Delivery{Seq: 1, Subject: "hal9.l3.0", Data: data})
	stop()
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if layer.longest > signals/10 {
		t.Errorf("%d signals in a row were decided while another goroutine waited", layer.longest)
	}
}
