package pipeline

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// ownSignal is the JSON form in which a signal of HAL9 itself enters L1: the one of `hal9 send`, too.
type ownSignal struct {
	ID       string            `json:"id"`
	Source   string            `json:"source"`
	Type     string            `json:"type"`
	Subject  string            `json:"subject"`
	Time     time.Time         `json:"time"`
	Severity layers.Severity   `json:"severity,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	Value    *float64          `json:"value,omitempty"`
	Message  string            `json:"message"`
	Data     json.RawMessage   `json:"data"` // always there, which marks the form
}

// OwnSignalRecord returns the record that enters a signal of HAL9 itself into L1.
func OwnSignalRecord(s *layers.Signal) (Record, error) {
	data, err := json.Marshal(ownSignalOf(s))
	if err != nil {
		return Record{}, fmt.Errorf("pipeline: encode signal %s: %w", s.ID, err)
	}
	return Record{Subject: SubjectSignals + "." + s.Source, ID: SignalID(s.Source, s.ID), Data: data}, nil
}

func ownSignalOf(s *layers.Signal) ownSignal {
	own := ownSignal{
		ID: s.ID, Source: s.Source, Type: s.Type, Subject: s.Key, Time: s.Time.UTC(), Severity: s.Severity,
		Labels: s.Labels, Message: s.Text, Data: s.Data,
	}
	if s.HasValue {
		own.Value = &s.Value
	}
	return own
}
