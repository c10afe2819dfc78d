package cli

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// subject is the signal that a question is about. Without a source it is any of that id.
type subject struct {
	ID     string
	Source string
}

func (s subject) is(source, id string) bool {
	return id == s.ID && (s.Source == "" || source == s.Source)
}

// isOf reports whether m is the verdict on the signal.
func (s subject) isOf(m *bus.Message) bool {
	if !mentions(m.Data, s.ID) {
		return false
	}
	var v struct {
		SignalID string `json:"signal_id"`
		Source   string `json:"source"`
	}
	return json.Unmarshal(m.Data, &v) == nil && s.is(v.Source, v.SignalID)
}

// mentions is quicker than decoding and never wrong the other way: text that JSON writes as
// it is stands in data if any string of data holds it.
func mentions(data []byte, text string) bool {
	quoted, err := json.Marshal(text)
	return err != nil || bytes.Contains(data, quoted[1:len(quoted)-1]) || bytes.IndexByte(quoted, '\\') >= 0
}

// situationOf and planOf report whether m is about a situation or plan.
func situationOf(id string) func(*bus.Message) bool {
	return func(m *bus.Message) bool {
		var x struct {
			ID string `json:"id"`
		}
		return mentions(m.Data, id) && json.Unmarshal(m.Data, &x) == nil && x.ID == id
	}
}

func planOf(id, situation string) func(*bus.Message) bool {
	return func(m *bus.Message) bool {
		var p layers.Plan
		if !mentions(m.Data, id) && !mentions(m.Data, situation) || json.Unmarshal(m.Data, &p) != nil {
			return false
		}
		return id != "" && p.ID == id || id == "" && p.SituationID == situation
	}
}

// letterOf reports whether m is the dead letter of a signal.
func letterOf(source, id string) func(*bus.Message) bool {
	want := pipeline.SignalID(source, id) + ".dead"
	return func(m *bus.Message) bool { return header(m, "Nats-Msg-Id") == want }
}

func sortedKeys(set map[string]struct{}) []string { return slices.Sorted(maps.Keys(set)) }

func header(m *bus.Message, name string) string {
	if values := m.Header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}
