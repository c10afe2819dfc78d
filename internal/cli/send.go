package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// SendOptions are one signal as flags say it; what is empty is not said.
type SendOptions struct {
	Text     string
	ID       string // default a new one
	Source   string // default "cli"
	Type     string
	Key      string
	Severity string
	Time     string // default now
	Value    *float64
	Labels   map[string]string
	Payload  string // a JSON object; what the other fields say goes before what it says

	Wait time.Duration // for the verdict; 0, the default, for not at all
	JSON bool
}

// DefaultSource is the source of signals that are sent by hand.
const DefaultSource = "cli"

// Send publishes one signal.
type Send struct {
	Options SendOptions
	Door    Door
	Bus     *bus.Bus
	Screen  Screen
	Place   *time.Location
}

// receipt is what Send tells programs.
type receipt struct {
	ID        string          `json:"id"`
	Source    string          `json:"source"`
	Key       string          `json:"key"`
	Stream    string          `json:"stream"`
	Seq       uint64          `json:"seq"`
	Duplicate bool            `json:"duplicate"`
	Verdict   json.RawMessage `json:"verdict,omitempty"`
}

// Run stores the signal, says its id and, where that is asked for, waits for its verdict.
func (s *Send) Run(ctx context.Context) error {
	item, err := s.Options.item(s.Door)
	if err != nil {
		return err
	}
	record, err := s.Door.Record(&item)
	if err != nil {
		return fmt.Errorf("cli: %w", problem(err))
	}
	before, err := s.Bus.LastSequence(ctx, pipeline.StreamVerdicts)
	if err != nil {
		return err
	}
	stored, err := s.Bus.Submit(ctx, []pipeline.Record{record})
	if err != nil {
		return err
	}
	r := receipt{
		ID: item.Signal.ID, Source: item.Signal.Source, Key: item.Signal.Key,
		Stream: pipeline.StreamOf(layers.NameL1, 0, 1), Seq: stored[0].Seq, Duplicate: stored[0].Duplicate,
	}
	if !s.Options.JSON {
		if err := s.say(clean(r.ID)); err != nil {
			return err
		}
	}
	var late error
	if s.Options.Wait > 0 {
		r.Verdict, late = s.verdict(ctx, &r, before+1)
	}
	if s.Options.JSON {
		return errors.Join(writeJSON(s.Screen.Out, r), late)
	}
	if late != nil || r.Verdict == nil {
		return late
	}
	result, err := newResult(KindVerdicts, r.Verdict)
	if err != nil {
		return fmt.Errorf("cli: verdict on %s: %w", r.ID, err)
	}
	return s.say(result.line(s.Screen, s.Place))
}

func (s *Send) say(text string) error {
	if _, err := io.WriteString(s.Screen.Out, text+"\n"); err != nil {
		return fmt.Errorf("cli: write: %w", err)
	}
	return nil
}

// verdict waits for the verdict that is stored from a sequence on. A signal that was sent before
// may have one from before.
func (s *Send) verdict(ctx context.Context, r *receipt, from uint64) (json.RawMessage, error) {
	wanted := subject{ID: r.ID, Source: r.Source}
	if r.Duplicate {
		if m, ok, err := s.Bus.FindLast(ctx, pipeline.StreamVerdicts, wanted.isOf); err != nil || ok {
			return m.Data, err
		}
	}
	waiting, enough := context.WithTimeout(ctx, s.Options.Wait)
	defer enough()
	var found json.RawMessage
	f := bus.Follow{Stream: pipeline.StreamVerdicts, Subjects: []string{pipeline.SubjectVerdicts + ".>"}, From: from}
	err := f.Run(waiting, s.Bus, func(m *bus.Message) {
		if found == nil && wanted.isOf(m) {
			found = m.Data
			enough()
		}
	})
	if err != nil || found != nil {
		return found, err
	}
	m, ok, err := s.Bus.FindLast(ctx, pipeline.StreamVerdicts, wanted.isOf)
	if err != nil || ok {
		return m.Data, err
	}
	return nil, fmt.Errorf("cli: no verdict on %s within %s: is HAL9 running? `hal9 explain %s` says where it is", r.ID, s.Options.Wait, r.ID)
}

// item makes the options into a signal, read as if its JSON object had come over HTTP.
func (o *SendOptions) item(door Door) (ingest.Item, error) {
	members, err := o.payload()
	if err != nil {
		return ingest.Item{}, err
	}
	if err := o.readText(door, members); err != nil {
		return ingest.Item{}, err
	}
	if err := o.setFields(members); err != nil {
		return ingest.Item{}, err
	}
	body, err := json.Marshal(members)
	if err != nil {
		return ingest.Item{}, fmt.Errorf("cli: %w", err)
	}
	items, err := door.Decoder.Body(ingest.FormatJSON, nil, body, door.Now())
	if err != nil {
		return ingest.Item{}, fmt.Errorf("cli: %w", problem(err))
	}
	if o.Payload == "" {
		items[0].Signal.Data = nil // All that was said stands in the signal's own fields.
	}
	return items[0], nil
}

// members are those of a JSON object.
type members map[string]any

func (o *SendOptions) payload() (members, error) {
	if o.Payload == "" {
		if o.Text == "" && o.Value == nil && len(o.Labels) == 0 {
			return nil, errors.New("cli: nothing to send: want a text, --value, --label or --payload")
		}
		return members{}, nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(o.Payload), &raw); err != nil || raw == nil {
		return nil, errors.New(`cli: --payload: want a JSON object such as '{"disk":"sda1"}'`)
	}
	m := make(members, len(raw)+8)
	for name, value := range raw {
		m[name] = value
	}
	return m, nil
}

// readText has the text read as a line would be: it may be a number, and may state a severity.
func (o *SendOptions) readText(door Door, m members) error {
	if o.Text == "" {
		return nil
	}
	item, err := door.Decoder.Message(ingest.Message{
		Subject: ingest.SubjectPrefix + DefaultSource, Header: map[string][]string{"Content-Type": {"text/plain"}},
		Data: []byte(o.Text), Stored: door.Now(),
	})
	if err != nil {
		return fmt.Errorf("cli: %w", problem(err))
	}
	switch s := &item.Signal; {
	case s.HasValue:
		m["value"] = s.Value
	default:
		m["message"] = s.Text
		if s.Severity != layers.SeverityUnset {
			m["severity"] = s.Severity
		}
	}
	return nil
}

func (o *SendOptions) setFields(m members) error {
	if _, ok := m["source"]; !ok || o.Source != "" {
		m["source"] = o.Source
		if o.Source == "" {
			m["source"] = DefaultSource
		}
	}
	if o.Severity != "" {
		severity, err := layers.ParseSeverity(o.Severity)
		if err != nil {
			return fmt.Errorf("cli: --severity: %s", strings.TrimPrefix(err.Error(), "layers: "))
		}
		m["severity"] = severity
	}
	if o.Value != nil {
		if math.IsNaN(*o.Value) || math.IsInf(*o.Value, 0) {
			return fmt.Errorf("cli: --value %g: want a finite number", *o.Value)
		}
		m["value"] = *o.Value
	}
	for name, text := range map[string]string{"id": o.ID, "type": o.Type, "key": o.Key, "time": o.Time} {
		if text != "" {
			m[name] = text
		}
	}
	return o.setLabels(m)
}

// setLabels adds to the labels that the payload has.
func (o *SendOptions) setLabels(m members) error {
	if len(o.Labels) == 0 {
		return nil
	}
	all := members{}
	if raw, ok := m["labels"].(json.RawMessage); ok {
		if err := json.Unmarshal(raw, &all); err != nil {
			return errors.New("cli: --payload: labels: want a JSON object")
		}
	}
	for name, value := range o.Labels {
		all[name] = value
	}
	m["labels"] = all
	return nil
}
