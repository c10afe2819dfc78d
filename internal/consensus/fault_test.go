package consensus_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// once checks that each plan ended once, that nothing was posted twice, and that what was posted belongs to plans
// that were agreed on before. It returns how many plans had which end.
func (r *rig) once(t *testing.T, plans int) map[layers.PlanEvent]int {
	t.Helper()
	ends := map[layers.PlanEvent]int{}
	posts := r.target.counts()
	for id, list := range r.events() {
		got := map[layers.PlanEvent]int{}
		for i := range list {
			got[list[i].Event]++
		}
		last := list[len(list)-1]
		ends[last.Event]++
		if got[layers.PlanAgreed]+got[layers.PlanRejected] != 1 || got[layers.PlanExecuted]+got[layers.PlanFailed] != got[layers.PlanAgreed] {
			t.Errorf("%s has events %v", id, eventsOf(list))
		}
		switch n := posts[id+".1"]; {
		case n > 1:
			t.Errorf("%s was executed %d times", id, n)
		case n == 1 && got[layers.PlanAgreed] == 0:
			t.Errorf("%s was executed without an agreement", id)
		case n == 0 && last.Event == layers.PlanExecuted:
			t.Errorf("%s is said to be executed and is not", id)
		}
		if got[layers.PlanAgreed] == 1 && len(last.Votes) < 3 {
			t.Errorf("%s was agreed on by %+v", id, last.Votes)
		}
	}
	all := 0
	for _, n := range ends {
		all += n
	}
	if all != plans {
		t.Errorf("%d plans ended, want %d: %v", all, plans, ends)
	}
	return ends
}

func (r *rig) awaitEnds(t *testing.T, plans int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d plans ended", plans), func() bool {
		ended := 0
		for _, list := range r.events() {
			if slices.ContainsFunc(list, func(p layers.Plan) bool {
				return p.Event == layers.PlanRejected || p.Event == layers.PlanExecuted || p.Event == layers.PlanFailed
			}) {
				ended++
			}
		}
		return ended >= plans
	})
}

// TestThousandPlansOnFiveNodes has three processes on five nodes carry out plans whose proposals come twice, and the voters of a
// fourth process never vote.
func TestThousandPlansOnFiveNodes(t *testing.T) {
	const plans = 1000 / share
	r := newRig(t, 5)
	awaitSpread(t, r.start("a"), r.start("bb"), r.start("ccc"))
	lazy, err := r.connect(3).Leases(t.Context(), "lazy", layers.NameL4)
	if err != nil {
		t.Fatal(err)
	}
	occupy(t, lazy, 1)
	for n := 1; n <= plans; n += 50 {
		var some []int
		for i := range 50 {
			some = append(some, n+i)
		}
		r.propose(some...)
		copied := r.plan(n)
		err := r.bus.Publish(t.Context(), []pipeline.Record{{Subject: pipeline.SubjectOfPlan(layers.PlanProposed), ID: fmt.Sprint("copy-", n), Data: encode(t, copied)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.awaitEnds(t, plans)
	if ends := r.once(t, plans); ends[layers.PlanExecuted] != plans {
		t.Errorf("the plans ended so: %v", ends)
	}
	holders := map[string]bool{}
	for _, list := range r.events() {
		for _, v := range list[len(list)-1].Votes {
			holders[v.By] = true
		}
	}
	if len(holders) < 2 {
		t.Errorf("votes came from %v only: want the voters spread", holders)
	}
}

// TestCouncilSurvivesKills kills all processes while targets have requests of theirs, and lets others go on.
func TestCouncilSurvivesKills(t *testing.T) {
	t.Parallel()
	const plans, kills = 90, 3
	r := newRig(t, 1)
	killed := make(chan struct{}) // the first two
	release := sync.OnceFunc(func() { close(killed) })
	t.Cleanup(release)
	r.target.answer = func(int, http.ResponseWriter) {
		<-killed                           // Some requests are surely in doubt.
		time.Sleep(200 * time.Millisecond) // Long enough to be killed meanwhile.
	}
	proposed := 0
	for i := range kills {
		first, second := r.spawn(t, 0, fmt.Sprint("child-1-", i)), r.spawn(t, 0, fmt.Sprint("child-2-", i))
		for range plans / kills {
			proposed++
			r.propose(proposed)
		}
		before := len(r.target.counts())
		eventually(t, "a request is under way", func() bool { return len(r.target.counts()) > before })
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond) // Any moment of a request.
		first()
		second()
		if i == 0 {
			release()
		}
	}
	r.start("survivor")
	r.awaitEnds(t, plans)
	ends := r.once(t, plans)
	t.Logf("the plans ended so: %v", ends)
	if ends[layers.PlanRejected] > 0 || ends[layers.PlanExecuted] == 0 || ends[layers.PlanFailed] == 0 {
		t.Errorf("the plans ended so: %v: want some executed, and those in doubt failed", ends)
	}
}

// TestPartitionedNodesExecuteNothingTwice takes the majority of the nodes away and brings it back.
func TestPartitionedNodesExecuteNothingTwice(t *testing.T) {
	t.Parallel() // It and TestCouncilSurvivesKills wait most of the time.
	const before, during, after = 50, 1, 20
	r := newRig(t, 5)
	r.start("a")  // on node 1
	r.start("bb") // on node 2
	var numbers []int
	for n := 1; n <= before; n++ {
		numbers = append(numbers, n)
	}
	r.propose(numbers...)
	nodes := r.cluster.Nodes()
	for _, node := range nodes[2:] {
		node.Halt() // Some plans are under way.
	}
	time.Sleep(time.Second) // What had begun comes to its end.
	cut := len(r.target.counts())
	time.Sleep(2 * time.Second) // What must not begin would begin now.
	if now := len(r.target.counts()); now != cut {
		t.Errorf("%d actions were begun without a majority", now-cut)
	}
	for _, node := range nodes[2:] {
		if err := node.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "NATS takes something again", func() bool {
		return r.bus.Publish(t.Context(), []pipeline.Record{{
			Subject: pipeline.SubjectSituations + ".opened", ID: "again", Data: encode(t, r.situation(before+during)),
		}}) == nil
	})
	for n := before + 1; n <= before+after; n++ {
		r.propose(n)
	}
	r.awaitEnds(t, before+after)
	ends := r.once(t, before+after)
	t.Logf("the plans ended so: %v", ends)
	if ends[layers.PlanExecuted] < after {
		t.Errorf("the plans ended so: %v", ends)
	}
}

// TestVotersThatHangHoldNobodyUp has one of three processes never vote: it has two voters at most.
func TestVotersThatHangHoldNobodyUp(t *testing.T) {
	r := newRig(t, 1)
	awaitSpread(t, r.start("one"), r.start("two"))
	hung, err := r.connect(0).Leases(t.Context(), "hung", layers.NameL4)
	if err != nil {
		t.Fatal(err)
	}
	occupy(t, hung, 1)
	began := time.Now()
	r.propose(1)
	list := r.await(layers.PlanExecuted, 1)["plan-0001"]
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
	if got := list[len(list)-1].Votes; len(got) < 3 || len(got) > 4 {
		t.Errorf("the votes are %+v", got)
	}
}

// TestVotersWaitForTheNews has the proposal of a plan arrive before the situation that it is for.
func TestVotersWaitForTheNews(t *testing.T) {
	r := newRig(t, 1)
	r.start("one")
	publish := func(subject, id string, v any) {
		if err := r.bus.Publish(t.Context(), []pipeline.Record{{Subject: subject, ID: id, Data: encode(t, v)}}); err != nil {
			t.Fatal(err)
		}
	}
	publish(pipeline.SubjectOfPlan(layers.PlanProposed), "proposed", r.plan(1))
	time.Sleep(500 * time.Millisecond) // The news is late by that much.
	publish(pipeline.SubjectSituations+".opened", "opened", r.situation(1))
	list := r.await(layers.PlanExecuted, 1)["plan-0001"]
	for _, v := range list[len(list)-1].Votes {
		if !v.Yes {
			t.Errorf("voter %d says no: %s", v.Voter, v.Reason)
		}
	}
}
