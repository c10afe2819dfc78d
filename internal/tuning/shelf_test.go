package tuning

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/layers"
)

// clock moves on by a second each time that it is asked.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Second)
	return c.at
}

func newShelf(t *testing.T) *Shelf {
	t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = natstest.Start(t).ClientURL()
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Provision(t.Context(), bus.DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), b, (&clock{at: noon}).now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Shelf) mustSay(t *testing.T, id string, opinion Opinion, author string) {
	t.Helper()
	if err := s.Say(t.Context(), &Feedback{ID: id, Key: "db", Source: "web", Opinion: opinion, Author: author}); err != nil {
		t.Fatal(err)
	}
}

// none has nothing to say.
func none() Witness {
	return Witness{
		Background: func(context.Context) ([][]string, error) { return nil, nil },
		Outcomes:   func(context.Context) ([]Feedback, error) { return nil, nil },
	}
}

func state(t *testing.T, s *Shelf) *State {
	t.Helper()
	state, err := s.State(t.Context(), layers.NameL3)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// propose has three more situations of a key be noise.
func propose(t *testing.T, s *Shelf, round string) {
	t.Helper()
	for i := range 3 {
		s.mustSay(t, fmt.Sprint(round, i), OpinionNoise, "ann")
	}
	changed, err := s.Derive(t.Context(), none())
	if err != nil || len(changed) != 1 || changed[0] != layers.NameL3 {
		t.Fatalf("%v: %v", err, changed)
	}
}

func TestTheLastWordOfAnAuthorCounts(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.mustSay(t, "a", OpinionNoise, "ann")
	s.mustSay(t, "a", OpinionNoise, "bob")
	s.mustSay(t, "a", OpinionUseful, "ann")
	all, err := s.Feedback(t.Context())
	if err != nil || len(all) != 2 || all[0].Author != "bob" || all[1].Opinion != OpinionUseful {
		t.Errorf("%v: %+v", err, all)
	}
}

// TestVersionsGoForwardAndBack proposes, applies, reverts and drops.
func TestVersionsGoForwardAndBack(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t), t.Context()
	for name, do := range map[string]func() error{
		"apply":  func() error { _, err := s.Apply(ctx, layers.NameL3, 0); return err },
		"revert": func() error { _, err := s.Revert(ctx, layers.NameL3); return err },
		"drop":   func() error { return s.Drop(ctx, layers.NameL3) },
	} {
		if err := do(); !errors.Is(err, ErrNothing) {
			t.Errorf("%s of nothing: %v", name, err)
		}
	}
	propose(t, s, "a")
	if x := state(t, s); x.Live.Version != 0 || x.Shadow == nil || x.Shadow.Version != 1 {
		t.Fatalf("a proposal is live by itself: %+v", x)
	}
	if changed, err := s.Derive(ctx, none()); err != nil || len(changed) > 0 {
		t.Errorf("the same opinions propose again: %v %v", changed, err)
	}
	first, err := s.Apply(ctx, layers.NameL3, state(t, s).Proposal)
	if err != nil || first.Version != 1 || first.Sensitivities[0].Steps != 1 {
		t.Fatalf("%v: %+v", err, first)
	}
	if changed, err := s.Derive(ctx, none()); err != nil || len(changed) > 0 || state(t, s).Shadow != nil {
		t.Errorf("what led to the live version leads to another: %v %v", changed, err)
	}
	propose(t, s, "b")
	if second, err := s.Apply(ctx, layers.NameL3, state(t, s).Proposal); err != nil || second.Version != 2 || second.Sensitivities[0].Steps != 2 {
		t.Fatalf("%v: %+v", err, second)
	}
	third, err := s.Revert(ctx, layers.NameL3)
	if err != nil || third.Version != 3 {
		t.Fatalf("%v: %+v", err, third)
	}
	if diff := cmp.Diff(first.Sensitivities, third.Sensitivities); diff != "" {
		t.Errorf("(-first +reverted)\n%s", diff)
	}
	propose(t, s, "c")
	if err := s.Drop(ctx, layers.NameL3); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Derive(ctx, none()); err != nil || len(changed) > 0 || state(t, s).Shadow != nil {
		t.Errorf("what was dropped comes back: %v %v", changed, err)
	}
	versions, err := s.Versions(ctx, layers.NameL3)
	if err != nil || len(versions) != 3 || versions[2].Version != 3 {
		t.Errorf("%v: %+v", err, versions)
	}
}

// TestEveryChangeIsToldAnew proposes and drops again and again: no two notes have one id, or the second would be taken for a copy.
func TestEveryChangeIsToldAnew(t *testing.T) {
	t.Parallel()
	s, seen := newShelf(t), map[string]bool{}
	look := func() {
		t.Helper()
		note, err := state(t, s).Note(noon)
		if err != nil || seen[note.ID] {
			t.Errorf("%v: note %s was sent before", err, note.ID)
		}
		seen[note.ID] = true
	}
	if !state(t, s).Untouched() {
		t.Error("touched")
	}
	look()
	for _, round := range []string{"a", "b", "c"} {
		propose(t, s, round)
		look()
		if err := s.Drop(t.Context(), layers.NameL3); err != nil {
			t.Fatal(err)
		}
		look()
		if state(t, s).Untouched() {
			t.Error("untouched after a drop")
		}
	}
}

// TestOnlyOneIsApplied has many apply one proposal at once: it becomes one version.
func TestOnlyOneIsApplied(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	propose(t, s, "a")
	proposal := state(t, s).Proposal
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := s.Apply(t.Context(), layers.NameL3, proposal); err != nil && !errors.Is(err, bus.ErrChanged) && !errors.Is(err, ErrNothing) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if x := state(t, s); x.Live.Version != 1 || x.Live.Sensitivities[0].Steps != 1 || x.Shadow != nil {
		t.Errorf("%+v", x)
	}
}

// TestBrokenValuesAreErrors has something else write into the bucket.
func TestBrokenValuesAreErrors(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	if err := s.values.Put(t.Context(), "live.L3", []byte(`{"layer":"L2","version":1}`), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.State(t.Context(), layers.NameL3); err == nil {
		t.Error("a tuning of L2 is one of L3")
	}
	if err := s.values.Put(t.Context(), "feedback.x.y", []byte(`{`), 0); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Feedback(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v: %+v", err, all)
	}
	if _, err := s.State(t.Context(), layers.NameL5); err == nil {
		t.Error("L5 has a tuning")
	}
}

// TestCarriedOutPlansSpeakForTheirSituations has plans act on two of the situations that somebody calls noise.
func TestCarriedOutPlansSpeakForTheirSituations(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	w := none()
	w.Outcomes = func(context.Context) (list []Feedback, err error) {
		for i, event := range []layers.PlanEvent{layers.PlanExecuted, layers.PlanFailed, layers.PlanExecuted, layers.PlanProposed} {
			if f, ok := Acted(&layers.Plan{ID: fmt.Sprint("p", i), SituationID: fmt.Sprint("a", i), Key: "db", Event: event}, noon); ok {
				list = append(list, f)
			}
		}
		return list, nil
	}
	for i := range 4 {
		s.mustSay(t, fmt.Sprint("a", i), OpinionNoise, "ann")
	}
	if changed, err := s.Derive(t.Context(), w); err != nil || len(changed) > 0 {
		t.Errorf("two of four are noise that no plan acted on: %v %v", changed, err)
	}
	if changed, err := s.Derive(t.Context(), none()); err != nil || len(changed) != 1 {
		t.Errorf("four of four are noise where no plan acted: %v %v", changed, err)
	}
}

// TestAnUnreadableProposalIsNone has something else write rubbish into the shadow.
func TestAnUnreadableProposalIsNone(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	if err := s.values.Put(t.Context(), "shadow.L3", []byte(`rubbish`), 0); err != nil {
		t.Fatal(err)
	}
	if st := state(t, s); st.Shadow != nil || st.Unreadable == "" {
		t.Errorf("rubbish is read as %+v", st)
	}
	if err := s.Drop(t.Context(), layers.NameL3); err != nil {
		t.Error(err)
	}
	if st := state(t, s); st.Unreadable != "" {
		t.Errorf("dropped, and still there: %s", st.Unreadable)
	}
}

// TestProposalsAreNotWhatIsSaid has proposals change what they follow from not at all, and opinions and versions change it.
func TestProposalsAreNotWhatIsSaid(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	said := func() string {
		t.Helper()
		name, err := s.Said(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	before := said()
	for i := range 3 {
		s.mustSay(t, fmt.Sprint("n", i), OpinionNoise, "ann")
	}
	opinions := said()
	if changed, err := s.Derive(t.Context(), none()); err != nil || len(changed) != 1 {
		t.Fatal(changed, err)
	}
	proposed := said()
	if _, err := s.Apply(t.Context(), layers.NameL3, state(t, s).Proposal); err != nil {
		t.Fatal(err)
	}
	if before == opinions || opinions != proposed || proposed == said() {
		t.Errorf("said %s, opinions %s, proposed %s, applied %s", before, opinions, proposed, said())
	}
}
