package pipeline

import (
	"errors"
	"time"
)

// Config says how stages behave.
type Config struct {
	MaxAttempts        int           // tries before a signal becomes a dead letter; default 3
	DecideTime         time.Duration // a layer may take for one signal before that counts as a failed try; default 2 s
	RetryDelay         time.Duration // before the second try, doubled before each further one; default 100 ms
	TickEvery          time.Duration // how often a waiting layer is told the time; default 5 s
	CheckpointEvery    time.Duration // at most this long between checkpoints of a busy stage; default 2 s
	CheckpointMessages int           // at most this many messages between checkpoints; default 20,000
	DrainTime          time.Duration // how long work may take to finish after a stop; default 10 s
	ReplayMargin       time.Duration // how much earlier than the first unsettled message the ledger is read; default 10 s
	MaxRecordBytes     int           // bound of what one message may hold; default 1 MiB less 4 KiB for headers
	BurstSignals       int           // what follows from this many signals is stored at once; default 4096
	InOrder            bool          // keeps critical signals in their place under overload, too; default false
	RestartDelay       time.Duration // before a failed stage starts again, doubled up to 64 times this; default 50 ms
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		MaxAttempts:        3,
		DecideTime:         2 * time.Second,
		RetryDelay:         100 * time.Millisecond,
		TickEvery:          5 * time.Second,
		CheckpointEvery:    2 * time.Second,
		CheckpointMessages: 20_000,
		DrainTime:          10 * time.Second,
		ReplayMargin:       10 * time.Second,
		MaxRecordBytes:     1<<20 - 4<<10,
		BurstSignals:       4096,
		RestartDelay:       50 * time.Millisecond,
	}
}

// Validate reports every impossible value.
func (c Config) Validate() error {
	var problems []error
	if c.MaxAttempts < 1 {
		problems = append(problems, errors.New("pipeline: MaxAttempts must be at least 1"))
	}
	if c.CheckpointMessages < 1 {
		problems = append(problems, errors.New("pipeline: CheckpointMessages must be at least 1"))
	}
	if c.BurstSignals < 1 {
		problems = append(problems, errors.New("pipeline: BurstSignals must be at least 1"))
	}
	if c.MaxRecordBytes < 1 {
		problems = append(problems, errors.New("pipeline: MaxRecordBytes must be above 0"))
	}
	for name, d := range map[string]time.Duration{
		"DecideTime": c.DecideTime, "RetryDelay": c.RetryDelay, "TickEvery": c.TickEvery, "CheckpointEvery": c.CheckpointEvery,
		"DrainTime": c.DrainTime, "RestartDelay": c.RestartDelay,
	} {
		if d <= 0 {
			problems = append(problems, errors.New("pipeline: "+name+" must be above 0"))
		}
	}
	return errors.Join(problems...)
}
