package operational

import "math"

const (
	shiftFast = 10  // samples in the recent mean
	shiftSlow = 100 // samples in the mean it is compared with
)

// shift knows how far the recent mean of a series usually strays from the mean before, and
// notices a new level that no single sample gives away.
type shift struct {
	fast, slow mean
	tail       tail // of the distance between the two
}

func (h *shift) seed(first []float64) {
	distances := make([]float64, len(first))
	for i, value := range first {
		distances[i] = h.distance(value)
	}
	h.tail.seed(distances)
}

func (h *shift) observe(s sample) float64 {
	if !s.inOrder {
		return 0
	}
	floor := s.grain(h.slow.value, shiftFast)
	distance := h.distance(s.tame)
	surprise := h.tail.surprise(distance, floor)
	h.tail.learn(distance, floor)
	return surprise
}

// distance adds the value to both means and says how far the recent one is from the earlier
// one as it was before.
func (h *shift) distance(value float64) float64 {
	h.fast.learn(value, shiftFast)
	apart := math.Abs(h.fast.value - h.slow.value)
	if h.slow.count == 0 {
		apart = 0
	}
	h.slow.learn(value, shiftSlow)
	return apart
}

func (h *shift) explain(s sample) string {
	return "has a recent mean of " + number(h.fast.value) + " where the mean before was " + number(h.slow.value) +
		"; the two are usually at most " + number(h.tail.bar.value) + " apart (" + number(s.samples) + " samples)"
}

func (h *shift) fields(visit func(*float64)) {
	h.fast.fields(visit)
	h.slow.fields(visit)
	h.tail.fields(visit)
}
