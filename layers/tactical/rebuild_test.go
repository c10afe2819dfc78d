package tactical

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// BenchmarkRecover builds a memory of 10,000 again: of situations that repeat themselves on 400 hosts, and of such that all differ.
func BenchmarkRecover(b *testing.B) {
	const n = 10_000
	for name, kinds := range map[string]int{"40 kinds": 40, "all differ": n} {
		b.Run(name, func(b *testing.B) {
			l := archiver(b, n)
			for i := range n {
				drawn(i, kinds).happen(b, l)
			}
			items := l.Changed()
			state, err := l.Snapshot()
			if err != nil {
				b.Fatal(err)
			}
			bytes := 0
			for _, item := range items {
				bytes += len(item.Data)
			}
			b.ReportMetric(float64(bytes)/float64(len(items)), "B/item")
			for b.Loop() {
				l := archiver(b, n)
				if err := l.Restore(state); err != nil {
					b.Fatal(err)
				}
				if err := l.Recover(slices.Values(items)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// drawn returns a situation of one of so many kinds.
func drawn(i, kinds int) event {
	random := rand.New(rand.NewPCG(uint64(i%kinds), 1))
	title := make([]string, 6)
	for w := range title {
		title[w] = fmt.Sprint("word", string(rune('a'+random.IntN(26))), string(rune('a'+random.IntN(20))))
	}
	at, key := time.Unix(int64(1_700_000_000+i), 0).UTC(), fmt.Sprintf("host-%d", i%400)
	return event{envelope: &layers.Envelope{
		Signal: layers.Signal{ID: strconv.Itoa(i), Source: "test", Key: key, Time: at},
		Findings: layers.Findings{Situation: &layers.Situation{
			ID: fmt.Sprint("sit-", i), Revision: 1, Key: key, Title: strings.Join(title, " "), OpenedAt: at, Entities: []layers.Entity{{Name: key}},
		}},
	}}
}
