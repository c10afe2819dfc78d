package operational

// quantile follows one quantile of a stream by stochastic approximation (Robbins and Monro,
// 1951): each sample moves the estimate up by p or down by 1-p steps. A single sample moves it
// by a bounded step, however far out it lies.
type quantile struct{ value, count float64 }

// learn moves the estimate of quantile p; scale is the series' typical deviation.
func (q *quantile) learn(x, p, scale float64) {
	q.count = min(q.count+1, baselineSpan)
	step := scale * max(2/q.count, 4.0/baselineSpan)
	if x > q.value {
		q.value += step * p
	} else if x < q.value {
		q.value -= step * (1 - p)
	}
}

func (q *quantile) fields(visit func(*float64)) {
	visit(&q.value)
	visit(&q.count)
}
