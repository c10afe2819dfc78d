package bus_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

// shelve stores n dead letters of alternating layers.
func shelve(t *testing.T, b *bus.Bus, from, to int) {
	t.Helper()
	var list []pipeline.Record
	for i := from; i < to; i++ {
		list = append(list, pipeline.Record{
			Subject: fmt.Sprintf("hal9.dead.L%d", 1+i%2), ID: fmt.Sprint("d", i), Data: fmt.Append(nil, "letter ", i),
		})
	}
	if err := b.Publish(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

// walk returns the sequences that a walk visits, at most so many.
func walk(t *testing.T, b *bus.Bus, w bus.Window, most int) (seqs []uint64) {
	t.Helper()
	w.Stream = pipeline.StreamDead
	err := b.Walk(t.Context(), w, func(m *bus.Message) bool {
		seqs = append(seqs, m.Seq)
		return len(seqs) < most
	})
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

func sequences(from, to, step uint64) (seqs []uint64) {
	for seq := from; seq <= to; seq += step {
		seqs = append(seqs, seq)
	}
	return seqs
}

func TestWalkVisitsItsWindow(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	if got := walk(t, b, bus.Window{}, 10); got != nil {
		t.Errorf("an empty stream gives %v", got)
	}
	shelve(t, b, 0, 2500)
	time.Sleep(20 * time.Millisecond) // NATS and this process need not have the same clock to the millisecond.
	since := time.Now()
	shelve(t, b, 2500, 2505)
	for _, c := range []struct {
		name   string
		window bus.Window
		most   int
		want   []uint64
	}{
		{"all", bus.Window{}, 10_000, sequences(1, 2505, 1)},
		{"from", bus.Window{From: 2490}, 10_000, sequences(2490, 2505, 1)},
		{"from and to", bus.Window{From: 7, To: 9}, 10_000, []uint64{7, 8, 9}},
		{"one", bus.Window{From: 7, To: 7}, 10_000, []uint64{7}},
		{"behind the last", bus.Window{From: 2506}, 10_000, nil},
		{"upside down", bus.Window{From: 9, To: 7}, 10_000, nil},
		{"beyond the last", bus.Window{From: 2504, To: 1 << 40}, 10_000, []uint64{2504, 2505}},
		{"subject", bus.Window{Subject: "hal9.dead.L2", From: 2000}, 10_000, sequences(2000, 2504, 2)},
		{"subject and to", bus.Window{Subject: "hal9.dead.L2", To: 5}, 10_000, []uint64{2, 4}},
		{"subject of none", bus.Window{Subject: "hal9.dead.L5"}, 10_000, nil},
		{"since", bus.Window{Since: since}, 10_000, sequences(2501, 2505, 1)},
		{"stops when told", bus.Window{}, 3, []uint64{1, 2, 3}},
		{"stops behind the first fetch", bus.Window{}, 1500, sequences(1, 1500, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, walk(t, b, c.window, c.most)); diff != "" {
				t.Errorf("sequences (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWalkReadsHeadersOnly(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	shelve(t, b, 0, 1)
	for _, headersOnly := range []bool{false, true} {
		err := b.Walk(t.Context(), bus.Window{Stream: pipeline.StreamDead, HeadersOnly: headersOnly}, func(m *bus.Message) bool {
			size := strings.Join(m.Header["Nats-Msg-Size"], "")
			if headersOnly != (size == "8") || headersOnly != (len(m.Data) == 0) {
				t.Errorf("headers only %t: size %q, %d bytes", headersOnly, size, len(m.Data))
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestWalkTakesLargeMessages reads more than a client buffers for one subscription, 64 MiB.
func TestWalkTakesLargeMessages(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	const n = 90
	for i := range n {
		err := b.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.dead.L1", ID: strconv.Itoa(i), Data: bytes.Repeat([]byte{byte(i)}, 1000<<10)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	next := byte(0)
	err := b.Walk(t.Context(), bus.Window{Stream: pipeline.StreamDead}, func(m *bus.Message) bool {
		if len(m.Data) != 1000<<10 || m.Data[0] != next {
			t.Errorf("message %d has %d bytes of %d, want %d", m.Seq, len(m.Data), m.Data[0], next)
		}
		next++
		return true
	})
	if err != nil || next != n {
		t.Errorf("%d of %d visited: %v", next, n, err)
	}
}

func TestWalkOutlastsARestart(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	const n = 3000
	shelve(t, b, 0, n)
	var seqs []uint64
	err := b.Walk(t.Context(), bus.Window{Stream: pipeline.StreamDead}, func(m *bus.Message) bool {
		if seqs = append(seqs, m.Seq); len(seqs) == 1100 {
			server.Stop()
			server.Restart(t)
		}
		return true
	})
	if diff := cmp.Diff(sequences(1, n, 1), seqs); err != nil || diff != "" {
		t.Errorf("%v, sequences (-want +got):\n%s", err, diff)
	}
}

func TestWalkEndsWithItsContext(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	shelve(t, b, 0, 10)
	ctx, cancel := context.WithCancel(t.Context())
	server.Stop()
	cancel()
	began := time.Now()
	if err := b.Walk(ctx, bus.Window{Stream: pipeline.StreamDead}, func(*bus.Message) bool { return true }); err == nil {
		t.Error("a walk without a server succeeded")
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %s to end", took)
	}
}

func TestSeenFindsIDs(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	shelve(t, b, 0, 100)
	ids := map[string]struct{}{"d7": {}, "d99": {}, "absent": {}, "elsewhere": {}}
	if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.verdicts.L1.dead", ID: "elsewhere"}}); err != nil {
		t.Fatal(err)
	}
	seen, err := b.Seen(t.Context(), []string{pipeline.StreamDead, pipeline.StreamVerdicts}, time.Now().Add(-time.Minute), ids)
	want := map[string]struct{}{"d7": {}, "d99": {}, "elsewhere": {}}
	if diff := cmp.Diff(want, seen); err != nil || diff != "" {
		t.Errorf("%v, ids (-want +got):\n%s", err, diff)
	}
	seen, err = b.Seen(t.Context(), []string{pipeline.StreamDead}, time.Now().Add(time.Minute), ids)
	if err != nil || len(seen) != 0 {
		t.Errorf("of the future it has seen %v (%v)", seen, err)
	}
}

func TestMessageAt(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	shelve(t, b, 0, 2)
	m, ok, err := b.MessageAt(t.Context(), pipeline.StreamDead, 2)
	if err != nil || !ok || string(m.Data) != "letter 1" || m.Subject != "hal9.dead.L2" || m.Seq != 2 || m.Stored.IsZero() {
		t.Errorf("%+v, %t, %v", m, ok, err)
	}
	if diff := cmp.Diff(map[string][]string{"Nats-Msg-Id": {"d1"}}, m.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if _, ok, err := b.MessageAt(t.Context(), pipeline.StreamDead, 3); ok || err != nil {
		t.Errorf("a message that is not there: %t, %v", ok, err)
	}
}
