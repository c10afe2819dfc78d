package bench

// judgeIdle wants a p50 below 1 ms, and aims at a p99 below 1 ms with a p50 of at most 1.2 times the bare
// loop's.
func judgeIdle(row *Row) (must, goal *bool) {
	return below(row.P50, 1), both(below(row.P99, 1), atMost(row.Ratio, 1.2))
}

// judgeSteady wants a p99 below 10 ms, and aims at 2 ms.
func judgeSteady(row *Row) (must, goal *bool) {
	return below(row.P99, 10), below(row.P99, 2)
}

// judgeThroughput wants as much as the best bare loop, and aims at three times that.
func judgeThroughput(row *Row) (must, goal *bool) {
	return atLeast(row.Ratio, 1), atLeast(row.Ratio, 3)
}

// judgeLayer wants every layer's p50 below 0.1 ms, and aims at every p99 below 0.02 ms.
func judgeLayer(row *Row) (must, goal *bool) {
	return below(row.P50, .1), below(row.P99, .02)
}

// judgeCache wants 10 % more answers than with string keys, and aims at twice as many.
func judgeCache(row *Row) (must, goal *bool) {
	return atLeast(row.Ratio, 1.1), atLeast(row.Ratio, 2)
}

// judgeMemory wants a p99 below 5 ms, and aims at 1 ms with 95 of 100 hits right.
func judgeMemory(row *Row) (must, goal *bool) {
	return below(row.P99, 5), both(below(row.P99, 1), atLeast(row.recall, .95))
}

// judgeConsensus wants a p99 below 50 ms, and aims at 5 ms with a p50 of at most three times kv.Create's.
func judgeConsensus(row *Row) (must, goal *bool) {
	return below(row.P99, 50), both(below(row.P99, 5), atMost(row.Ratio, 3))
}

// below says whether a figure is below a bound, where there is one.
func below(figure *float64, bound float64) *bool {
	return where(figure, func(f float64) bool { return f < bound })
}

func atMost(figure *float64, bound float64) *bool {
	return where(figure, func(f float64) bool { return f <= bound })
}

func atLeast(figure *float64, bound float64) *bool {
	return where(figure, func(f float64) bool { return f >= bound })
}

func where(figure *float64, met func(float64) bool) *bool {
	if figure == nil {
		return nil
	}
	return new(met(*figure))
}

// both says whether two bounds are met, where both are known.
func both(a, b *bool) *bool {
	if a == nil || b == nil {
		return nil
	}
	return new(*a && *b)
}
