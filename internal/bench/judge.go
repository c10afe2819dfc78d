package bench

// judgeThroughput wants as much as the best bare loop, and aims at three times that.
func judgeThroughput(row *Row) (must, goal *bool) {
	return atLeast(row.Ratio, 1), atLeast(row.Ratio, 3)
}

// atLeast compares a figure where there is one.
func atLeast(figure *float64, bound float64) *bool {
	if figure == nil {
		return nil
	}
	return new(*figure >= bound)
}
