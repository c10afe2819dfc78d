package operational

import (
	"errors"
	"fmt"
	"time"
)

// Config says how patient and how suspicious the layer is. One configuration serves every
// source.
type Config struct {
	// Lateness is how far behind the newest event time of its key a signal may be and still
	// count; default 1 minute.
	Lateness time.Duration
	// SituationGap is how long in event time a situation stays open for the next member;
	// default 10 minutes.
	SituationGap time.Duration
	// MaxKeys bounds the series that are remembered, over all keys: a metric of a key is one, a
	// log template of a key is one; default 50,000, about 46 MB of snapshot.
	MaxKeys int
	// MaxSituations bounds the open situations; the oldest is closed early; default 1,000.
	MaxSituations int
	// Partitions is among how many the signals are spread; default 1.
	Partitions int
	// Partition is which of them this is, from 0; default 0.
	Partition int
	// Patterns are what people know to be trouble; default none.
	Patterns []Pattern
	// Threshold is the anomaly, 0..1, from which a signal is flagged; default 0.5. An anomaly
	// of a means that one in 10^(3a/(1-a)) samples of a series is as unusual: 0.5 is one in a
	// thousand, 0.6 one in 30,000, 0.75 one in a thousand million.
	Threshold float64
	// OpenThreshold is the anomaly, 0..1, from which a signal whose sender states no severity
	// of warning or worse opens a situation; below it joins one or is resolved; default 0.53.
	OpenThreshold float64
}

// DefaultConfig returns the configuration that HAL9 ships with.
func DefaultConfig() Config {
	return Config{
		Lateness: time.Minute, SituationGap: 10 * time.Minute,
		MaxKeys: 50_000, MaxSituations: 1_000, Partitions: 1,
		Threshold: 0.5, OpenThreshold: 0.53,
	}
}

// Validate returns all problems of the configuration, joined.
func (c Config) Validate() error {
	var problems []error
	check := func(ok bool, field string, value any, want string) {
		if !ok {
			problems = append(problems, fmt.Errorf("operational: %s is %v: want %s", field, value, want))
		}
	}
	check(c.Lateness >= 0 && c.Lateness <= 24*time.Hour, "Lateness", c.Lateness, "0s to 24h")
	check(c.SituationGap >= time.Second && c.SituationGap <= 7*24*time.Hour, "SituationGap", c.SituationGap, "1s to 168h")
	check(c.MaxKeys >= keySeriesMax && c.MaxKeys <= 10_000_000, "MaxKeys", c.MaxKeys, "64 to 10000000")
	check(c.MaxSituations >= 1 && c.MaxSituations <= 100_000, "MaxSituations", c.MaxSituations, "1 to 100000")
	check(c.Partitions >= 1 && c.Partitions <= 10_000, "Partitions", c.Partitions, "1 to 10000")
	check(c.Partition >= 0 && c.Partition < max(1, c.Partitions), "Partition", c.Partition, "0 to less than Partitions")
	check(c.Threshold > 0 && c.Threshold < 1, "Threshold", c.Threshold, "more than 0 and less than 1")
	check(c.OpenThreshold >= c.Threshold && c.OpenThreshold < 1, "OpenThreshold", c.OpenThreshold, "at least Threshold and less than 1")
	problems = append(problems, ValidatePatterns(c.Patterns))
	return errors.Join(problems...)
}
