package bench

import (
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

// TestCachesAgree holds the yardstick to doing what L1 does: the same answers to new contents, known contents and
// duplicates.
func TestCachesAgree(t *testing.T) {
	ours, err := newHashedCache()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := newStringCache()
	if err != nil {
		t.Fatal(err)
	}
	signals := distinctContents(50)
	signals[7].Severity = layers.SeverityError // no rule
	signals[8].Key = "node-under-repair"
	for i := range 200 {
		e := signals[i%len(signals)]
		e.ID, e.Origin = string(rune('a'+i%150)), uint64(i)+1 // the last 50 are duplicates
		a, err := ours.Decide(t.Context(), &e)
		if err != nil {
			t.Fatal(err)
		}
		b, err := theirs.Decide(t.Context(), &e)
		if err != nil {
			t.Fatal(err)
		}
		if a.Disposition != b.Disposition || a.Rule != b.Rule && a.Disposition != layers.DispositionSuppressed {
			t.Errorf("signal %d: L1 says %s by %q, the string cache %s by %q", i, a.Disposition, a.Rule, b.Disposition, b.Rule)
		}
	}
}

func TestLRU(t *testing.T) {
	l := newLRU[int](2)
	l.put("a", 1)
	l.put("b", 2)
	l.get("a")
	l.put("c", 3)
	for key, want := range map[string]bool{"a": true, "b": false, "c": true} {
		if _, ok := l.get(key); ok != want {
			t.Errorf("%s is there: %v: want %v", key, ok, want)
		}
	}
	if l.order.Len() != 2 || len(l.items) != 2 {
		t.Errorf("it holds %d and %d items: want 2", l.order.Len(), len(l.items))
	}
}
