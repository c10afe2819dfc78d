package app

import (
	"testing"

	"github.com/2lab-ai/hal9/internal/bus"
)

// TestOpenSituationsAreUnknownOnceSomeWereDropped: more that closed than that opened would be left, and the difference would go to 0.
func TestOpenSituationsAreUnknownOnceSomeWereDropped(t *testing.T) {
	k := kept{situations: bus.Kept{Counts: map[string]uint64{"opened": 5, "updated": 9, "closed": 2}}}
	if open := k.open(); open == nil || *open != 3 {
		t.Errorf("%v open, want 3", open)
	}
	k.situations.Dropped = true
	if open := k.open(); open != nil {
		t.Errorf("%d open, but nobody can know", *open)
	}
	if w := k.whole(7); w.Open != nil || w.StoreBytes != 7 {
		t.Errorf("%+v", w)
	}
}
