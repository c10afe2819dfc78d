package layertest

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

const floods = 100_000

// checkBounds sends very many envelopes that have nothing in common and looks at what the
// layer kept of them.
func checkBounds(tb testing.TB, h Harness) error {
	tb.Helper()
	l := h.New(tb)
	keeper, keeps := l.(layers.Keeper)
	if keeps && h.MaxSnapshotBytes == 0 || !keeps && h.MaxHeapBytes == 0 {
		return errors.New("the harness states no bound: want MaxSnapshotBytes for a Keeper, else MaxHeapBytes")
	}
	flood := h.Flood
	if flood == nil {
		flood = Flood
	}
	before := heap()
	for i := range cmp.Or(h.Floods, floods) {
		// Each envelope is fresh already: no copy.
		if _, err := l.Decide(tb.Context(), flood(i)); err != nil {
			return fmt.Errorf("flood %d: %w", i, err)
		}
	}
	grown := heap() - before
	runtime.KeepAlive(l)
	if h.MaxHeapBytes > 0 && grown > h.MaxHeapBytes {
		return fmt.Errorf("the heap grew by %d bytes: want at most %d", grown, h.MaxHeapBytes)
	}
	if !keeps {
		return nil
	}
	snapshot, err := keeper.Snapshot()
	if err == nil && len(snapshot) > h.MaxSnapshotBytes {
		err = fmt.Errorf("the snapshot has %d bytes: want at most %d", len(snapshot), h.MaxSnapshotBytes)
	}
	return err
}

func heap() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// Flood returns the i-th of envelopes that share neither id, source, type, key, label, text,
// value nor field: the worst that a bounded memory can meet.
func Flood(i int) *layers.Envelope {
	n := strconv.Itoa(i)
	word := letters(i)
	at := start.Add(time.Duration(i) * time.Millisecond)
	return &layers.Envelope{
		Signal: layers.Signal{
			ID: "flood-" + n, Source: "flood/" + word, Type: []string{"alert", "log." + word, "metric"}[i%3], Key: "key-" + n, Time: at,
			Severity: layers.Severity(i % 6), Labels: map[string]string{"label_" + word: n, "alertstatus": "firing"},
			Value: float64(i), HasValue: i%3 == 2,
			Text: "the " + word + " did " + word + "ing at " + word + " for " + n,
			Data: []byte(`{"` + word + `":` + n + `,"nested":{"` + word + `":` + n + `}}`),
		},
		Origin: uint64(i) + 1, ReceivedAt: at.Add(5 * time.Millisecond),
		TraceParent: traceParent(i),
	}
}

// letters writes i in letters only, so that no masking of numbers makes two of them alike.
func letters(i int) string {
	word := []byte("w")
	for ; i > 0; i /= 26 {
		word = append(word, byte('a'+i%26))
	}
	return string(word)
}
