package ingest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// The range of Config.MaxSignalBytes: NATS refuses messages above 64 MiB, and below one
// KiB an ordinary alert does not fit.
const (
	minSignalBytes = 1 << 10
	maxSignalBytes = 64 << 20
)

// Config says how signals are read.
type Config struct {
	// Sources are hints per source. The first whose Match fits is used; the default is none.
	Sources []SourceRule
	// MaxSignalBytes bounds one signal as it comes, bytes. The default, 1,200,000, fits a body of
	// 1 MiB in its frame; where NATS takes less in one message, hal9 bounds it further.
	MaxSignalBytes int
}

// SourceRule tells what a source does not say itself. It never overrides what a signal
// states.
type SourceRule struct {
	// Match is a pattern over the signal's source: * stands for any text, ? for one character.
	Match string `yaml:"match"`
	// Type is used for signals without a type.
	Type string `yaml:"type"`
	// Key is the dotted path of the field that names the entity, such as "labels.instance",
	// looked up in the signal's data, then in its labels.
	Key string `yaml:"key"`
	// Severity is used for signals that state none.
	Severity layers.Severity `yaml:"severity"`
	// Labels are added where the signal has no label of that name.
	Labels map[string]string `yaml:"labels"`
}

// DefaultConfig returns the configuration that is used where nothing is said.
func DefaultConfig() Config { return Config{MaxSignalBytes: 1_200_000} }

// Validate reports everything that is wrong, joined.
func (c *Config) Validate() error {
	var problems []error
	if c.MaxSignalBytes < minSignalBytes || c.MaxSignalBytes > maxSignalBytes {
		problems = append(problems, fmt.Errorf("ingest: MaxSignalBytes is %d: want %d to %d",
			c.MaxSignalBytes, minSignalBytes, maxSignalBytes))
	}
	for i := range c.Sources {
		if err := c.Sources[i].validate(); err != nil {
			problems = append(problems, fmt.Errorf("ingest: sources[%d]: %w", i, err))
		}
	}
	return errors.Join(problems...)
}

func (r *SourceRule) validate() error {
	var problems []error
	if r.Match == "" {
		problems = append(problems, errors.New(`match is empty: want a pattern over the source such as "web-*"`))
	}
	if r.Key != "" && (strings.HasPrefix(r.Key, ".") || strings.HasSuffix(r.Key, ".") || strings.Contains(r.Key, "..")) {
		problems = append(problems, fmt.Errorf(`key is %q: want a dotted path such as "labels.instance"`, r.Key))
	}
	if len(r.Type) > maxTypeBytes {
		problems = append(problems, fmt.Errorf("type has %d bytes: want at most %d", len(r.Type), maxTypeBytes))
	}
	if r.Severity > layers.SeverityCritical {
		problems = append(problems, fmt.Errorf("severity is %d: want debug, info, warning, error or critical", r.Severity))
	}
	if err := checkLabels(r.Labels); err != nil {
		problems = append(problems, err)
	}
	if r.Type == "" && r.Key == "" && r.Severity == layers.SeverityUnset && len(r.Labels) == 0 {
		problems = append(problems, errors.New("the rule says nothing: want a type, key, severity or labels"))
	}
	return errors.Join(problems...)
}
