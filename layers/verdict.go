package layers

import "time"

// Verdict is the one final answer to one signal, as published on
// hal9.verdicts.<layer>.<disposition>.
type Verdict struct {
	SignalID    string      `json:"signal_id"`
	Source      string      `json:"source"`
	Key         string      `json:"key"`
	Type        string      `json:"type,omitempty"`  // of the signal
	Value       *float64    `json:"value,omitempty"` // that the signal measured
	Layer       Name        `json:"layer"`
	Disposition Disposition `json:"disposition"`
	Reason      string      `json:"reason"`
	Rule        string      `json:"rule,omitempty"`
	TemplateID  string      `json:"template_id,omitempty"`
	Template    string      `json:"template,omitempty"`
	Anomaly     float64     `json:"anomaly,omitempty"` // 0..1
	Classes     []Class     `json:"classes,omitempty"`
	Evidence    *Evidence   `json:"evidence,omitempty"`
	SituationID string      `json:"situation_id,omitempty"`
	PlanID      string      `json:"plan_id,omitempty"`
	Severity    Severity    `json:"severity,omitempty"`
	EventTime   time.Time   `json:"event_time"`
	ReceivedAt  time.Time   `json:"received_at"`
	DecidedAt   time.Time   `json:"decided_at"`
	TraceID     string      `json:"trace_id"` // 32 hex digits
	Hops        []Hop       `json:"hops"`
	Marks       []Mark      `json:"marks,omitempty"` // what L5 counts of the signal
}
