package consensus_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/consensus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
	"github.com/2lab-ai/hal9/pipeline"
)

func eventsOf(list []layers.Plan) (events []layers.PlanEvent) {
	for i := range list {
		events = append(events, list[i].Event)
	}
	return events
}

func TestPlanIsAgreedAndExecuted(t *testing.T) {
	r := newRig(t, 1)
	r.start("one")
	r.propose(1)
	list := r.await(layers.PlanExecuted, 1)["plan-0001"]
	if want := []layers.PlanEvent{layers.PlanProposed, layers.PlanAgreed, layers.PlanExecuted}; !slices.Equal(eventsOf(list), want) {
		t.Fatalf("events %v, want %v", eventsOf(list), want)
	}
	agreed, executed := list[1], list[2]
	if len(agreed.Votes) < 3 || agreed.Quorum != 3 || agreed.DecidedAt.IsZero() || len(agreed.Results) > 0 {
		t.Errorf("the agreement is %+v", agreed)
	}
	if len(executed.Results) != 1 || executed.Results[0].State != layers.ActionDone || executed.Results[0].Attempts != 1 || executed.FinishedAt.IsZero() {
		t.Errorf("the end is %+v", executed)
	}
	body := r.target.bodies[0]
	if plan, _ := body["plan"].(map[string]any); plan["id"] != "plan-0001" || plan["event"] != "agreed" || body["team"] != "storage" || body["situation"] == nil {
		t.Errorf("the target got %v", body)
	}
	if r.target.counts()["plan-0001.1"] != 1 {
		t.Errorf("posts by key: %v", r.target.counts())
	}
}

func TestPlainNoOfAllVotersRejects(t *testing.T) {
	r := newRig(t, 1)
	r.start("one", func(cfg *consensus.Config, _ *consensus.Deps) { cfg.Playbooks[0].When = "severity >= critical" })
	r.propose(1)
	list := r.await(layers.PlanRejected, 1)["plan-0001"]
	if got := list[len(list)-1]; !strings.Contains(got.Decision, "does not hold") || len(got.Votes) < 3 || got.Votes[0].Yes {
		t.Errorf("the rejection is %+v", got)
	}
	time.Sleep(300 * time.Millisecond) // What must not follow would come now.
	if len(r.target.counts()) > 0 || len(r.events()["plan-0001"]) != 2 {
		t.Errorf("posts %v, events %v", r.target.counts(), eventsOf(r.events()["plan-0001"]))
	}
}

func TestDissentIsRecorded(t *testing.T) {
	r := newRig(t, 1)
	r.council.Timeout = 8 * time.Second // Voters wait a quarter of it for news.
	r.council.PerKey = 3
	r.start("one")
	for n := 1; n <= 4; n++ {
		r.propose(n) // Each with a key of its own.
	}
	r.await(layers.PlanExecuted, 4)
	// A plan of which the situation is not known makes two voters doubt.
	p := r.plan(99)
	if err := r.bus.Publish(t.Context(), []pipeline.Record{{Subject: pipeline.SubjectOfPlan(layers.PlanProposed), ID: "x", Data: encode(t, p)}}); err != nil {
		t.Fatal(err)
	}
	list := r.await(layers.PlanExecuted, 5)["plan-0099"]
	var dissent []int
	for _, v := range list[len(list)-1].Votes {
		if !v.Yes {
			dissent = append(dissent, v.Voter)
			if v.Reason == "" {
				t.Errorf("voter %d says no without a reason", v.Voter)
			}
		}
	}
	if !slices.Equal(dissent, []int{1, 2}) {
		t.Errorf("voters %v said no, want 1 and 2: %+v", dissent, list[len(list)-1].Votes)
	}
}

func TestNoQuorumRejects(t *testing.T) {
	r := newRig(t, 1)
	r.council.Timeout = time.Second
	// Nobody holds the voters here: another process, which is not part of this, does.
	leases, err := r.connect(0).Leases(t.Context(), "other", layers.NameL4)
	if err != nil {
		t.Fatal(err)
	}
	occupy(t, leases, 5)
	r.start("one")
	r.propose(1)
	list := r.await(layers.PlanRejected, 1)["plan-0001"]
	if got := list[len(list)-1].Decision; !strings.HasPrefix(got, "no quorum within 1s: 0 yes and 0 no of 5 voters, 3 wanted") {
		t.Errorf("the reason is %q", got)
	}
	if len(r.target.counts()) > 0 {
		t.Errorf("posts %v", r.target.counts())
	}
}

func TestForeignActionIsRefused(t *testing.T) {
	r := newRig(t, 1)
	r.start("one")
	r.propose(1)
	forged := r.plan(2)
	forged.Actions[0].Webhook = r.target.URL + "/elsewhere"
	s := r.situation(2)
	err := r.bus.Publish(t.Context(), []pipeline.Record{
		{Subject: pipeline.SubjectSituations + ".opened", ID: s.ID + ".1", Data: encode(t, s)},
		{Subject: pipeline.SubjectOfPlan(layers.PlanProposed), ID: "x", Data: encode(t, forged)},
		{Subject: pipeline.SubjectOfPlan(layers.PlanProposed), ID: "y", Data: []byte("rubbish")},
	})
	if err != nil {
		t.Fatal(err)
	}
	list := r.await(layers.PlanRejected, 1)["plan-0002"]
	if got := list[len(list)-1].Decision; !strings.Contains(got, `does not have action 1 here`) {
		t.Errorf("the reason is %q", got)
	}
	eventually(t, "the rubbish is a dead letter", func() bool { return len(r.letters()) == 1 })
	if got := r.letters()[0]; got.Subject != "hal9.dead.action" || string(got.Data) != "rubbish" || got.Header["Hal9-Layer"][0] != "action" {
		t.Errorf("the letter is %+v", got)
	}
}

func TestRefusingTargetIsTriedAgainAndThenGivenUp(t *testing.T) {
	r := newRig(t, 1)
	r.council.Attempts = 3
	r.target.answer = func(n int, w http.ResponseWriter) {
		if n != 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	r.start("one")
	r.propose(1)
	list := r.await(layers.PlanExecuted, 1)["plan-0001"]
	if got := list[len(list)-1].Results[0]; got.Attempts != 2 || got.State != layers.ActionDone || got.Error != "" {
		t.Errorf("the result is %+v", got)
	}
	r.propose(2)
	list = r.await(layers.PlanFailed, 1)["plan-0002"]
	if got := list[len(list)-1].Results[0]; got.Attempts != 3 || got.State != layers.ActionFailed || !strings.Contains(got.Error, "503") {
		t.Errorf("the result is %+v", got)
	}
	letters := r.letters()
	if len(letters) != 1 || letters[0].Subject != pipeline.SubjectDeadAction || letters[0].Header["Hal9-Attempts"][0] != "3" {
		t.Errorf("the letters are %+v", letters)
	}
}

// TestAnswerThatDoesNotComeIsNotAskedForAgain breaks the connection once the target has the request.
func TestAnswerThatDoesNotComeIsNotAskedForAgain(t *testing.T) {
	r := newRig(t, 1)
	r.target.answer = func(_ int, w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
	r.start("one")
	r.propose(1)
	list := r.await(layers.PlanFailed, 1)["plan-0001"]
	if got := list[len(list)-1].Results[0]; got.State != layers.ActionUnknown || !strings.Contains(got.Error, "outcome unknown") {
		t.Errorf("the result is %+v", got)
	}
	if got := r.target.counts()["plan-0001.1"]; got != 1 {
		t.Errorf("%d posts, want one", got)
	}
}

func TestPublishAndNote(t *testing.T) {
	r := newRig(t, 1)
	actions := []tactical.Action{{Note: "Told the team."}, {Publish: "ops.restart"}}
	r.start("one", func(cfg *consensus.Config, _ *consensus.Deps) { cfg.Playbooks[0].Actions = actions })
	sub, err := r.bus.Conn().SubscribeSync("ops.restart")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.bus.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	s, p := r.situation(1), r.plan(1)
	p.Actions = []layers.Action{{Playbook: "restart", Note: "Told the team."}, {Playbook: "restart", Publish: "ops.restart"}}
	err = r.bus.Publish(t.Context(), []pipeline.Record{
		{Subject: pipeline.SubjectSituations + ".opened", ID: "s", Data: encode(t, s)},
		{Subject: pipeline.SubjectOfPlan(layers.PlanProposed), ID: "p", Data: encode(t, p)},
	})
	if err != nil {
		t.Fatal(err)
	}
	list := r.await(layers.PlanExecuted, 1)["plan-0001"]
	if got := list[len(list)-1]; len(got.Results) != 2 || got.Actions[0].Note != "Told the team." {
		t.Errorf("the end is %+v", got)
	}
	msg, err := sub.NextMsg(5 * time.Second)
	if err != nil || !strings.Contains(string(msg.Data), `"plan-0001"`) || msg.Header.Get("Nats-Msg-Id") != "" && msg.Header.Get("Nats-Msg-Id") != "plan-0001.2" {
		t.Errorf("published %v (%v)", msg, err)
	}
	if msg, err := sub.NextMsg(200 * time.Millisecond); err == nil {
		t.Errorf("published again: %s", msg.Data)
	}
}

func TestSameProposalAgainDoesNothing(t *testing.T) {
	r := newRig(t, 1)
	first := r.start("one")
	r.propose(1)
	r.await(layers.PlanExecuted, 1)
	again := func(id string) {
		err := r.bus.Publish(t.Context(), []pipeline.Record{{Subject: pipeline.SubjectOfPlan(layers.PlanProposed), ID: id, Data: encode(t, r.plan(1))}})
		if err != nil {
			t.Fatal(err)
		}
	}
	again("other-id")
	time.Sleep(300 * time.Millisecond) // The first has heard it.
	first.stop()
	r.start("two")
	again("third-id")
	r.propose(2)
	r.await(layers.PlanExecuted, 2)
	time.Sleep(300 * time.Millisecond) // A second event would come now.
	if got := eventsOf(r.events()["plan-0001"]); len(got) != 5 || slices.Index(got, layers.PlanAgreed) != 1 || slices.Index(got, layers.PlanExecuted) != 2 {
		t.Errorf("events %v", got)
	}
	if got := r.target.counts()["plan-0001.1"]; got != 1 {
		t.Errorf("%d posts, want one", got)
	}
}
