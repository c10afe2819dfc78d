package strategic_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
)

// BenchmarkObserve has conditions that cost nothing, so it measures the counting; CEL's own
// cost comes on top of it.
func BenchmarkObserve(b *testing.B) {
	for _, n := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("objectives=%d", n), func(b *testing.B) {
			cfg := strategic.DefaultConfig()
			cfg.Objectives = nil
			for i := range n {
				o := availability()
				o.Name = strconv.Itoa(i)
				cfg.Objectives = append(cfg.Objectives, o)
			}
			x := expressions()
			x.Verdict = func(string) (layers.Condition[layers.Verdict], error) {
				return func(*layers.Verdict) bool { return true }, nil
			}
			tracker, err := strategic.NewTracker(cfg, x)
			if err != nil {
				b.Fatal(err)
			}
			v := verdict(noon, true)
			b.ReportAllocs()
			for b.Loop() {
				v.EventTime = v.EventTime.Add(time.Second)
				v.DecidedAt = v.EventTime
				tracker.Observe(v)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/objective")
		})
	}
}

func BenchmarkObserveCEL(b *testing.B) {
	tracker := newTracker(b)
	v := verdict(noon, true)
	b.ReportAllocs()
	for b.Loop() {
		tracker.Observe(v)
	}
}

func BenchmarkDecide(b *testing.B) {
	tracker := newTracker(b, availability(), severe())
	feed(tracker, 0, 1000)
	l, err := strategic.New(strategic.DefaultConfig(), tracker.Reports, tracker.ChangesOf)
	if err != nil {
		b.Fatal(err)
	}
	envelopes := make([]*layers.Envelope, 20_000)
	for i := range envelopes {
		envelopes[i] = climbed(fmt.Sprint("sit-", i), fmt.Sprint("key-", i), noon)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		decide(b, l, envelopes[i%len(envelopes)])
		i++
	}
}
