package tactical_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
)

// BenchmarkDecide plans with a full memory: of situations that recur, of kinds that share
// some words, and, as the worst, of situations that all resemble each other without being equal.
func BenchmarkDecide(b *testing.B) {
	words := strings.Fields("disk full slow login failed refused timeout checksum replica lag burst outlier memory leak " +
		"queue blocked certificate expired quota exceeded node down packet loss latency high")
	random := rand.New(rand.NewPCG(1, 2))
	draw := func(n int) string {
		var text []string
		for range n {
			text = append(text, words[random.IntN(len(words))])
		}
		return strings.Join(text, " ")
	}
	kinds := make([]string, 300)
	for i := range kinds {
		kinds[i] = draw(6)
	}
	makers := []struct {
		name  string
		title func(i int) string
	}{
		{"recurring", func(i int) string { return kinds[i%len(kinds)] }},
		{"mixed", func(int) string { return draw(6) }},
		{"alike", func(i int) string {
			return "burst of errors in " + words[i%10] + " of the storage layer with " + words[10+i/10%10]
		}},
	}
	for _, maker := range makers {
		b.Run(maker.name, func(b *testing.B) {
			l := newLayer(b, diskFull())
			next := 0
			envelope := func() *layers.Envelope {
				next++
				return situation(fmt.Sprintf("sit-%d", next), fmt.Sprintf("db-%d", next%40), maker.title(next), layers.SeverityWarning)
			}
			for range tactical.DefaultConfig().MaxMemory {
				decide(b, l, envelope())
			}
			b.ReportAllocs()
			for b.Loop() {
				decide(b, l, envelope())
			}
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	l := newLayer(b, diskFull())
	for i := range tactical.DefaultConfig().MaxMemory {
		decide(b, l, situation(fmt.Sprintf("sit-%d", i), fmt.Sprintf("db-%d", i), "disk full on a node of the storage layer", layers.SeverityWarning))
	}
	b.ReportAllocs()
	for b.Loop() {
		data, err := l.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(data)), "bytes")
	}
}
