package load

import (
	"encoding/json"
	"fmt"
	"io"
)

// reportBody is a report for programs. Durations are in microseconds.
type reportBody struct {
	NATS         string          `json:"nats"`
	HTTP         string          `json:"http,omitempty"`
	Users        int             `json:"users"`
	Rate         float64         `json:"rate"` // operations/s scheduled
	Seed         uint64          `json:"seed"`
	ForUS        int64           `json:"for_us"`
	ElapsedUS    int64           `json:"elapsed_us"`
	Interrupted  bool            `json:"interrupted"`
	All          figuresBody     `json:"all"`
	Operations   []figuresBody   `json:"operations"`
	Examples     map[Kind]string `json:"examples"` // the first error of each kind
	Tailed       uint64          `json:"tailed"`
	Dropped      uint64          `json:"dropped"`
	LagP99US     int64           `json:"lag_p99_us"`
	LagMaxUS     int64           `json:"lag_max_us"`
	LimitP99US   int64           `json:"limit_p99_us"`  // 0 for none
	LimitErrors  float64         `json:"limit_errors"`  // 0..1; 0 for none
	Breaches     []string        `json:"breaches"`      // what is outside the limits
	WithinLimits bool            `json:"within_limits"` // and the exit code is 0
}

type figuresBody struct {
	Operation  Operation       `json:"operation,omitempty"`
	Count      uint64          `json:"count"`
	Errors     uint64          `json:"errors"`
	ErrorRate  float64         `json:"error_rate"` // 0..1
	Unfinished uint64          `json:"unfinished"`
	Kinds      map[Kind]uint64 `json:"error_kinds"`
	MeanUS     int64           `json:"mean_us"`
	P50US      int64           `json:"p50_us"`
	P90US      int64           `json:"p90_us"`
	P99US      int64           `json:"p99_us"`
	P999US     int64           `json:"p99_9_us"`
	MaxUS      int64           `json:"max_us"`
	Histogram  []bucketBody    `json:"histogram"`
}

type bucketBody struct {
	WithinUS int64  `json:"within_us"` // and above the bucket before
	Count    uint64 `json:"count"`
}

func newFiguresBody(operation Operation, f *Figures) figuresBody {
	body := figuresBody{
		Operation: operation, Count: f.Count, Errors: f.Errors, ErrorRate: f.ErrorRate(), Unfinished: f.Unfinished, Kinds: f.Kinds,
		MeanUS: f.Mean.Microseconds(), P50US: f.P50.Microseconds(), P90US: f.P90.Microseconds(),
		P99US: f.P99.Microseconds(), P999US: f.P999.Microseconds(), MaxUS: f.Max.Microseconds(),
		Histogram: make([]bucketBody, 0, len(f.Buckets)),
	}
	for _, bucket := range f.Buckets {
		body.Histogram = append(body.Histogram, bucketBody{bucket.Within.Microseconds(), bucket.Count})
	}
	return body
}

// JSON writes the report for programs, as one object.
func (r *Report) JSON(w io.Writer) error {
	res := &r.Result
	body := reportBody{
		NATS: res.NATS, HTTP: res.HTTP, Users: res.Users, Rate: res.Rate, Seed: res.Seed,
		ForUS: res.For.Microseconds(), ElapsedUS: res.Elapsed.Microseconds(), Interrupted: res.Interrupted,
		All: newFiguresBody("", &res.All), Examples: res.Examples, Tailed: res.Tailed, Dropped: res.Dropped,
		LagP99US: res.Lag.P99.Microseconds(), LagMaxUS: res.Lag.Max.Microseconds(),
		LimitP99US: r.Limits.P99.Microseconds(), LimitErrors: r.Limits.Errors, Breaches: r.Limits.Breaches(res),
	}
	for i := range res.Operations {
		body.Operations = append(body.Operations, newFiguresBody(res.Operations[i].Operation, &res.Operations[i].Figures))
	}
	if body.WithinLimits = len(body.Breaches) == 0; body.WithinLimits {
		body.Breaches = []string{}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(body); err != nil {
		return fmt.Errorf("load: write: %w", err)
	}
	return nil
}
