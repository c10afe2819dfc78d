package consensus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// TestRecordThatIsNoJSONIsADeadLetter has somebody else's bytes where the decision and a vote are to stand.
func TestRecordThatIsNoJSONIsADeadLetter(t *testing.T) {
	r := newRig(t, 1)
	r.council.Timeout = time.Second
	register, err := r.bus.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"plan-0001.decision", "plan-0002.vote.1"} {
		if _, err := register.Create(t.Context(), key, []byte("rubbish")); err != nil {
			t.Fatal(err)
		}
	}
	r.start("one")
	r.propose(1, 2)
	r.await(layers.PlanExecuted, 1) // The second, by the other votes.
	var letters []bus.Message
	eventually(t, "a dead letter", func() bool { letters = r.letters(); return len(letters) > 0 })
	if got := letters[0].Header["Hal9-Error"][0]; !strings.Contains(got, "plan-0001.decision in the bucket hal9_agreements can't be read") {
		t.Errorf("the letter says %q", got)
	}
	if got := r.target.counts(); got["plan-0001.1"] != 0 || got["plan-0002.1"] != 1 {
		t.Errorf("posts %v", got)
	}
}

// TestProposalOfAnotherVersionIsVotedOn has a field that this version does not know; and one letter where the last event is missing.
func TestProposalOfAnotherVersionIsVotedOn(t *testing.T) {
	r := newRig(t, 1)
	s := r.situation(1)
	data := append([]byte(`{"from_tomorrow":1,`), encode(t, r.plan(1))[1:]...)
	r.start("one")
	err := r.bus.Publish(t.Context(), []pipeline.Record{
		{Subject: pipeline.SubjectSituations + ".opened", ID: s.ID, Data: encode(t, s)},
		{Subject: pipeline.SubjectOfPlan(layers.PlanProposed), ID: "p", Data: data},
	})
	if err != nil {
		t.Fatal(err)
	}
	list := r.await(layers.PlanExecuted, 1)["plan-0001"]
	register, err := r.bus.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	entry, ok, err := register.Get(t.Context(), "plan-0001.decision")
	if err != nil || !ok || !strings.Contains(string(entry.Value), `"digest":"`+digest(data)+`"`) || entry.Stored.IsZero() {
		t.Errorf("the decision is %s (%v), want the digest of the proposal's bytes; events %v", entry.Value, err, eventsOf(list))
	}
}

// TestLetterIsWrittenOnce has a process end between the letter and what comes after it, and NATS forget the ids of letters.
func TestLetterIsWrittenOnce(t *testing.T) {
	r := newRig(t, 1)
	js, err := jetstream.New(r.bus.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), pipeline.StreamDead)
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.Duplicates = 100 * time.Millisecond
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	letter := pipeline.Record{Subject: pipeline.SubjectDeadAction, ID: "plan-0001.action.1.dead", Data: []byte("{}")}
	register, err := r.bus.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data := encode(t, r.plan(1))
	for key, value := range map[string]any{
		"plan-0001.decision": map[string]any{"digest": digest(data), "event": "agreed", "quorum": 3, "at": time.Now().Add(-time.Hour)},
		"plan-0001.action.1": map[string]any{"action": 1, "state": "unknown", "attempts": 1, "at": time.Now()},
	} {
		if _, err := register.Create(t.Context(), key, encode(t, value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.bus.Publish(t.Context(), []pipeline.Record{letter}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // NATS forgets its id after a hundred.
	r.start("one")
	r.propose(1)
	r.await(layers.PlanFailed, 1)
	if got := len(r.letters()); got != 1 {
		t.Errorf("%d letters, want the one", got)
	}
}
