package operational

// mean is an exponentially weighted mean. Until it has seen span samples it is the plain
// mean, so that it is useful from the second sample on.
type mean struct{ value, count float64 }

func (m *mean) learn(x, span float64) {
	m.count = min(m.count+1, span)
	m.value += (x - m.value) / m.count
}

func (m *mean) fields(visit func(*float64)) {
	visit(&m.value)
	visit(&m.count)
}
