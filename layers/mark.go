package layers

// Mark is what an expression of the configuration made of a signal when L1 saw the whole of it: an
// event of an objective, good or not, or a sample of a metric. It travels with the signal and stands in
// its verdict, so that what is counted from verdicts is counted once for each signal.
type Mark struct {
	Of     string   `json:"of"` // the objective or metric, with a hash of its definition
	Good   bool     `json:"good,omitempty"`
	Value  float64  `json:"value,omitempty"`  // finite
	Labels []string `json:"labels,omitempty"` // the metric's label values, in the order of their names
}
