package operational

import "math"

const (
	spreadFast   = 30  // samples in the recent mean change
	spreadSlow   = 300 // samples in the mean change that it is compared with
	spreadLearns = 60  // samples before it judges
)

// Where the ratio of the two means, as a logarithm, lies until it is learnt: seldom beyond a factor of one and a half.
const (
	spreadBar   = 0.4
	spreadScale = 0.2
	spreadFloor = 0.05 // the smallest excess that counts
)

// spread knows how much a series usually changes from sample to sample, lately and before, and notices when it becomes restless, or
// calm.
type spread struct {
	last       float64
	fast, slow mean
	tail       tail // of the distance between the two, as a logarithm
}

func (p *spread) seed(first []float64) {
	p.tail = tail{bar: quantile{spreadBar, baselineMinSamples}, scale: mean{spreadScale, baselineMinSamples}, excess: mean{spreadScale / 2, 1}}
	p.last = first[0]
	for _, value := range first[1:] {
		p.ratio(value)
	}
}

func (p *spread) observe(s sample) float64 {
	if !s.inOrder {
		return 0
	}
	ratio := p.ratio(s.tame)
	if s.samples < spreadLearns {
		return 0
	}
	surprise := p.tail.surprise(ratio, spreadFloor)
	if math.Mod(s.samples, spreadFast) == 0 { // The means between share most of their samples.
		p.tail.learn(ratio, spreadFloor)
	}
	return surprise
}

// ratio learns the change to the value and says how far the recent mean change is from the one before, as a logarithm.
func (p *spread) ratio(value float64) float64 {
	change := math.Abs(value - p.last)
	p.last = value
	p.fast.learn(change, spreadFast)
	p.slow.learn(change, spreadSlow)
	floor := grain(value)
	return math.Abs(math.Log((p.fast.value + floor) / (p.slow.value + floor)))
}

func (p *spread) explain(s sample) string {
	how := "has become restless"
	if p.fast.value < p.slow.value {
		how = "has become calm"
	}
	return how + ": from one sample to the next it changes by " + number(p.fast.value) + " on average, and by " + number(p.slow.value) +
		" before (" + number(s.samples) + " samples)"
}

func (p *spread) fields(visit func(*float64)) {
	visit(&p.last)
	p.fast.fields(visit)
	p.slow.fields(visit)
	p.tail.fields(visit)
}
