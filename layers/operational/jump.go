package operational

import "math"

// jump knows how much a series usually changes from one sample to the next, and notices the
// sudden change: the edge of a spike, of a drop or of a new level.
type jump struct {
	last, before float64 // the newest sample, and the one before it
	tail         tail    // of the change between two samples
}

func (j *jump) seed(first []float64) {
	changes := make([]float64, len(first)-1)
	for i := range changes {
		changes[i] = math.Abs(first[i+1] - first[i])
	}
	j.tail.seed(changes)
	j.before, j.last = first[len(first)-2], first[len(first)-1]
}

func (j *jump) observe(s sample) float64 {
	if !s.inOrder { // its neighbours are others than the last one seen
		return 0
	}
	change, floor := math.Abs(s.value-j.last), s.grain(j.last, 0.5)
	surprise := j.tail.surprise(change, floor)
	j.tail.learn(change, floor)
	j.before, j.last = j.last, s.value
	return surprise
}

func (j *jump) explain(s sample) string {
	how := "jumped"
	if s.value < j.before {
		how = "fell"
	}
	return how + " from " + number(j.before) + " to " + number(s.value) +
		"; from one sample to the next it usually changes by at most " + number(j.tail.bar.value) +
		" (" + number(s.samples) + " samples)"
}

func (j *jump) fields(visit func(*float64)) {
	visit(&j.last)
	visit(&j.before)
	j.tail.fields(visit)
}
