package bus

import "slices"

// holding is one stage of a layer as a plan sees it.
type holding struct {
	stage  string
	owner  string // the member that owns it; "" where it is free
	former string // of a free one: the member that had it last, "" where nobody had it
}

// rebalance is what a layer has to do for each member to own its quota.
type rebalance struct {
	surplus map[string]int    // how many stages a member has to give back
	takers  map[string]string // of each free stage: the member that takes it
}

// quota returns how many of so many stages the member of a rank owns: all shares differ by one at
// most, and the lower ranks have the larger ones. Ranks follow the time of joining, so a member's
// quota never grows when another joins and never shrinks when another leaves: only what must move moves.
func quota(stages, members, rank int) int {
	n := stages / members
	if rank < stages%members {
		n++
	}
	return n
}

// planLayer compares what members own with their quotas. Members come in the order of their ranks. All
// of them compute the same plan from the same state, so each free stage has exactly one taker: the
// one that had it last where that one is short of stages. A stage whose owner is no member
// (it is leaving, or was not heard of for a while) belongs to nobody's share and waits.
func planLayer(members []string, holdings []holding) rebalance {
	plan := rebalance{surplus: map[string]int{}, takers: map[string]string{}}
	owned := map[string]int{}
	var free []holding
	for _, h := range holdings {
		if h.owner == "" {
			free = append(free, h)
		} else {
			owned[h.owner]++
		}
	}
	short := map[string]int{}
	for rank, m := range members {
		switch n := quota(len(holdings), len(members), rank) - owned[m]; {
		case n > 0:
			short[m] = n
		case n < 0:
			plan.surplus[m] = -n
		}
	}
	slices.SortFunc(free, func(a, b holding) int { return compareStages(a.stage, b.stage) })
	free = slices.DeleteFunc(free, func(h holding) bool { return plan.give(h.stage, h.former, short) })
	for _, m := range members {
		for len(free) > 0 && plan.give(free[0].stage, m, short) {
			free = free[1:]
		}
	}
	return plan
}

// give makes a member the taker of a free stage, unless it is short of none.
func (p *rebalance) give(stage, member string, short map[string]int) bool {
	if short[member] == 0 {
		return false
	}
	short[member]--
	p.takers[stage] = member
	return true
}

// compareStages orders stage names: those of one layer by partition, of which names have two digits
// or three.
func compareStages(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}
