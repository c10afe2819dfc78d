package operational

const (
	episodeSamples = 200 // how long a reported deviation stays known
	episodeFactor  = 1.2 // how much more surprising news must be within that time
)

// episode remembers the deviation last reported, so that a series that stays unusual is news
// once and not with every sample.
type episode struct{ bar, left float64 }

// observe reports whether a surprise is news.
func (e *episode) observe(surprise, reportFrom float64) bool {
	if e.left = max(e.left-1, 0); e.left == 0 {
		e.bar = 0
	}
	if surprise < reportFrom || surprise <= e.bar {
		return false
	}
	e.bar, e.left = surprise*episodeFactor, episodeSamples
	return true
}

// age is how many samples ago the deviation was reported.
func (e *episode) age() float64 { return episodeSamples - e.left }

func (e *episode) fields(visit func(*float64)) {
	visit(&e.bar)
	visit(&e.left)
}
