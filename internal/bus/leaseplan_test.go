package bus

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuota(t *testing.T) {
	for _, c := range []struct {
		stages, members int
		want            []int
	}{
		{60, 1, []int{60}},
		{60, 7, []int{9, 9, 9, 9, 8, 8, 8}},
		{60, 8, []int{8, 8, 8, 8, 7, 7, 7, 7}},
		{1, 3, []int{1, 0, 0}},
		{61, 2, []int{31, 30}},
	} {
		var got []int
		for rank := range c.members {
			got = append(got, quota(c.stages, c.members, rank))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%d stages, %d members (-want +got):\n%s", c.stages, c.members, diff)
		}
	}
}

func TestPlanPrefersWhoHadAStageLast(t *testing.T) {
	plan := planLayer([]string{"a", "b"}, []holding{
		{stage: "L3.00", former: "b"}, {stage: "L3.01", former: "b"}, {stage: "L3.02", former: "b"}, {stage: "L3.03", former: "a"},
	})
	want := map[string]string{"L3.00": "b", "L3.01": "b", "L3.02": "a", "L3.03": "a"}
	if diff := cmp.Diff(want, plan.takers); diff != "" {
		t.Errorf("takers (-want +got):\n%s", diff)
	}
}

func TestPlanLeavesWhatALeaverStillHas(t *testing.T) {
	plan := planLayer([]string{"a", "b"}, []holding{{stage: "L3.00", owner: "c"}, {stage: "L3.01", owner: "c"}, {stage: "L3.02"}})
	if diff := cmp.Diff(map[string]string{"L3.02": "a"}, plan.takers); diff != "" || len(plan.surplus) > 0 {
		t.Errorf("takers (-want +got):\n%s\nsurplus %v", diff, plan.surplus)
	}
}

// crowd is a layer whose members carry out what they plan, without network or time.
type crowd struct {
	members []string          // by rank
	owner   map[string]string // by stage, "" where it is free
	moved   int               // stages that changed hands
}

func newCrowd(stages int) *crowd {
	c := &crowd{owner: map[string]string{}}
	for i := range stages {
		c.owner[fmt.Sprintf("L3.%02d", i)] = ""
	}
	return c
}

func (c *crowd) holdings(former map[string]string) (list []holding) {
	for _, stage := range sortedKeys(c.owner) {
		list = append(list, holding{stage: stage, owner: c.owner[stage], former: former[stage]})
	}
	return list
}

func (c *crowd) counts() map[string]int {
	n := map[string]int{}
	for _, owner := range c.owner {
		n[owner]++
	}
	return n
}

// round has every member act once on the same plan. It reports whether anything was to be done.
func (c *crowd) round(t *testing.T) (busy bool) {
	t.Helper()
	plan := planLayer(c.members, c.holdings(nil))
	for stage, taker := range plan.takers {
		if c.owner[stage] != "" {
			t.Fatalf("%s is to take %s, which %s owns", taker, stage, c.owner[stage])
		}
		c.owner[stage] = taker
		busy = true
	}
	for member, n := range plan.surplus {
		for _, stage := range sortedKeys(c.owner) {
			if n > 0 && c.owner[stage] == member {
				c.owner[stage] = ""
				c.moved++
				busy = true
				n--
			}
		}
	}
	return busy
}

func (c *crowd) converge(t *testing.T) {
	t.Helper()
	for range 4 {
		if !c.round(t) {
			return
		}
	}
	t.Fatalf("%d members do not come to rest: %v", len(c.members), c.counts())
}

// wantQuotas requires each member to own its quota and nobody else anything.
func (c *crowd) wantQuotas(t *testing.T) {
	t.Helper()
	counts := c.counts()
	for rank, m := range c.members {
		if want := quota(len(c.owner), len(c.members), rank); counts[m] != want {
			t.Fatalf("%s of rank %d owns %d of %d, want %d", m, rank, counts[m], len(c.owner), want)
		}
		delete(counts, m)
	}
	if len(c.members) > 0 && len(counts) > 0 {
		t.Fatalf("others own %v", counts)
	}
}

// TestPlanConvergesWithTheFewestMoves has members join and leave at random. After each change every member owns
// its quota within a few rounds, a leaver's stages are all that move when one leaves, and the
// newcomer's quota is all that moves when one joins.
func TestPlanConvergesWithTheFewestMoves(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for range 200 {
		stages := 1 + random.IntN(130)
		c := newCrowd(stages)
		for step := range 40 {
			c.moved = 0
			if len(c.members) == 0 || random.IntN(2) == 0 && len(c.members) < 40 {
				newcomer := fmt.Sprint("p", step)
				c.members = append(c.members, newcomer)
				c.converge(t)
				if most := quota(stages, len(c.members), len(c.members)-1); len(c.members) > 1 && c.moved > most {
					t.Fatalf("%d of %d stages moved for a newcomer who owns %d", c.moved, stages, most)
				}
			} else {
				at := random.IntN(len(c.members))
				leaver := c.members[at]
				c.members = slices.Delete(c.members, at, at+1)
				for stage, owner := range c.owner {
					if owner == leaver {
						c.owner[stage] = ""
					}
				}
				if len(c.members) == 0 {
					continue
				}
				c.converge(t)
				if c.moved > 0 {
					t.Fatalf("%d stages of others moved when %s left", c.moved, leaver)
				}
			}
			c.wantQuotas(t)
		}
	}
}

// TestPlanSurvivesViewsThatDiffer lets members act on views that are late: whatever they do in the
// meantime, once the views agree all is well.
func TestPlanSurvivesViewsThatDiffer(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	for range 200 {
		c := newCrowd(1 + random.IntN(80))
		for i := range 1 + random.IntN(12) {
			c.members = append(c.members, fmt.Sprint("p", i))
		}
		for range 30 {
			known := slices.DeleteFunc(slices.Clone(c.members), func(string) bool { return random.IntN(3) == 0 })
			if len(known) == 0 {
				continue
			}
			me := known[random.IntN(len(known))]
			plan := planLayer(known, c.holdings(nil))
			for stage, taker := range plan.takers {
				if taker == me && c.owner[stage] == "" { // what compare-and-set sees to
					c.owner[stage] = me
				}
			}
			for n, list := plan.surplus[me], sortedKeys(c.owner); n > 0 && len(list) > 0; list = list[1:] {
				if c.owner[list[0]] == me {
					c.owner[list[0]] = ""
					n--
				}
			}
		}
		c.converge(t)
		c.wantQuotas(t)
	}
}

// sortedKeys returns a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
