package simulate

// pod is one replica.
type pod struct {
	created float64
	readyAt float64
	ready   bool
	used    float64 // core seconds since it was looked at last
	since   float64 // when that was
	usage   float64 // cores, as metrics-server has it
	sampled float64 // end of that sample
	known   bool    // there is a sample
}

// pods are a Deployment's replicas. The newest go first, those that are not ready before all others, as the ReplicaSet
// controller has it.
type pods struct{ list []*pod }

// newPods begins with replicas that have long been ready.
func newPods(n int) *pods {
	p := &pods{}
	for range n {
		p.list = append(p.list, &pod{created: -1e6, readyAt: -1e6, ready: true})
	}
	return p
}

func (p *pods) count() int { return len(p.list) }

// ready counts the replicas that work.
func (p *pods) ready() (n int) {
	for _, one := range p.list {
		if one.ready {
			n++
		}
	}
	return n
}

// start makes replicas ready whose time has come, and lets metrics-server look.
func (p *pods) start(now float64) {
	for _, one := range p.list {
		if !one.ready && one.readyAt <= now {
			one.ready, one.since, one.used = true, now, 0
		}
		if one.ready && int(now)%scrapeEvery == 0 && now-one.since >= 1 {
			one.usage, one.sampled, one.known = one.used/(now-one.since), now, true
			one.used, one.since = 0, now
		}
	}
}

// work says how many cores each of the first busy replicas used for a second; the others are idle.
func (p *pods) work(cores float64, busy int) {
	for _, one := range p.list {
		if one.ready && busy > 0 {
			one.used += cores
			busy--
		}
	}
}

// scale creates replicas, or takes some away at once.
func (p *pods) scale(now float64, want int, start float64) {
	for len(p.list) < want {
		p.list = append(p.list, &pod{created: now, readyAt: now + start})
	}
	p.list = p.list[:want]
}

// samples returns what metrics-server knows of each.
func (p *pods) samples(now float64) []sample {
	list := make([]sample, len(p.list))
	for i, one := range p.list {
		list[i] = sample{usage: one.usage, age: now - one.created, readyAt: one.readyAt - one.created, taken: now - one.sampled}
		if !one.ready {
			list[i].readyAt = -1
		}
		if !one.known {
			list[i].taken = -1
		}
	}
	return list
}
