package tuning

import (
	"errors"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

// TestWhatWasLookedAtIsApplied has another proposal take the place of the one that somebody looks at: it is not applied in its stead.
func TestWhatWasLookedAtIsApplied(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	propose(t, s, "a")
	seen := state(t, s).Proposal
	s.mustSay(t, "a0", OpinionUseful, "ann")
	s.mustSay(t, "a3", OpinionNoise, "ann") // Three of four: the same step with another reason.
	s.mustSay(t, "a4", OpinionNoise, "ann")
	if changed, err := s.Derive(t.Context(), none()); err != nil || len(changed) != 1 {
		t.Fatal(changed, err)
	}
	if _, err := s.Apply(t.Context(), layers.NameL3, seen); !errors.Is(err, ErrOther) {
		t.Errorf("%v: want ErrOther", err)
	}
	if x := state(t, s); x.Live.Version != 0 || x.Shadow == nil {
		t.Errorf("%+v: want nothing applied and the proposal left", x)
	}
	if _, err := s.Apply(t.Context(), layers.NameL3, state(t, s).Proposal); err != nil {
		t.Error(err)
	}
}

// TestNotesHaveAnOrder lets a process that was slow tell what it has read before each change: layers know that it is older.
func TestNotesHaveAnOrder(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	var told []layers.Tunings
	look := func() { told = append(told, state(t, s).Tunings()) }
	propose(t, s, "a")
	look()
	if _, err := s.Apply(t.Context(), layers.NameL3, state(t, s).Proposal); err != nil {
		t.Fatal(err)
	}
	look()
	propose(t, s, "b")
	look()
	half := state(t, s) // What is read between the two steps of a drop:
	if err := s.Drop(t.Context(), layers.NameL3); err != nil {
		t.Fatal(err)
	}
	half.dropped = state(t, s).dropped
	told = append(told, half.Tunings())
	look()
	propose(t, s, "c")
	look()
	if _, err := s.Revert(t.Context(), layers.NameL3); err != nil {
		t.Fatal(err)
	}
	look()
	for i := range told {
		for j := range told {
			if told[i].IsOlder(&told[j]) != (i < j) {
				t.Errorf("%d is older than %d: %v\n%+v\n%+v", i, j, i >= j, told[i], told[j])
			}
		}
	}
}
