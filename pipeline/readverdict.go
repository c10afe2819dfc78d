package pipeline

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/rawjson"
)

// errNoVerdict says that something is no JSON object.
var errNoVerdict = errors.New("pipeline: a verdict is a JSON object")

// ReadVerdict reads the JSON form of a verdict into v, which must be empty: what encoding/json reads, without its reflection, for those who
// read every verdict. Members it does not know are ignored. The error names the member that is not what it should be.
func ReadVerdict(data []byte, v *layers.Verdict) (err error) {
	isObject := rawjson.Members(data, func(name, value []byte) bool {
		if string(value) == "null" {
			return true
		}
		if err = readVerdictMember(v, string(name), value); err != nil {
			err = fmt.Errorf("pipeline: %s of a verdict: %w", name, err)
		}
		return err == nil
	})
	if err == nil && !isObject {
		err = errNoVerdict
	}
	return err
}

func readVerdictMember(v *layers.Verdict, name string, value []byte) error {
	if text := textOf(v, name); text != nil {
		return readText(value, text)
	}
	switch name {
	case "layer":
		return readWord(value, &v.Layer)
	case "disposition":
		return readWord(value, &v.Disposition)
	case "severity":
		return readWord(value, &v.Severity)
	case "event_time":
		return readWord(value, &v.EventTime)
	case "received_at":
		return readWord(value, &v.ReceivedAt)
	case "decided_at":
		return readWord(value, &v.DecidedAt)
	case "value":
		v.Value = new(float64)
		return readNumber(value, v.Value)
	case "anomaly":
		return readNumber(value, &v.Anomaly)
	case "classes":
		return json.Unmarshal(value, &v.Classes) // Few signals have some, or evidence.
	case "evidence":
		return json.Unmarshal(value, &v.Evidence)
	case "hops":
		return readList(value, &v.Hops, readHopMember)
	case "marks":
		return readList(value, &v.Marks, readMarkMember)
	default:
		return nil
	}
}

// textOf returns the field of a member that is plain text, nil for any other.
func textOf(v *layers.Verdict, name string) *string {
	switch name {
	case "signal_id":
		return &v.SignalID
	case "source":
		return &v.Source
	case "key":
		return &v.Key
	case "type":
		return &v.Type
	case "reason":
		return &v.Reason
	case "rule":
		return &v.Rule
	case "template_id":
		return &v.TemplateID
	case "template":
		return &v.Template
	case "situation_id":
		return &v.SituationID
	case "plan_id":
		return &v.PlanID
	case "trace_id":
		return &v.TraceID
	default:
		return nil
	}
}

func readHopMember(h *layers.Hop, name string, value []byte) error {
	switch name {
	case "layer":
		return readWord(value, &h.Layer)
	case "wait_us":
		return readWhole(value, &h.WaitUS)
	case "process_us":
		return readWhole(value, &h.ProcessUS)
	default:
		return nil
	}
}

func readMarkMember(m *layers.Mark, name string, value []byte) error {
	switch name {
	case "of":
		return readText(value, &m.Of)
	case "good":
		return readTruth(value, &m.Good)
	case "value":
		return readNumber(value, &m.Value)
	case "labels":
		return json.Unmarshal(value, &m.Labels)
	default:
		return nil
	}
}

// readList reads an array of objects, member by member.
func readList[T any](value []byte, list *[]T, read func(*T, string, []byte) error) (err error) {
	*list = []T{}
	isArray := rawjson.Elements(value, func(element []byte) bool {
		var one T
		isObject := rawjson.Members(element, func(name, value []byte) bool {
			if string(value) != "null" {
				err = read(&one, string(name), value)
			}
			return err == nil
		})
		if err == nil && !isObject {
			err = fmt.Errorf("%.20q is not an object", element)
		}
		*list = append(*list, one)
		return err == nil
	})
	if err == nil && !isArray {
		err = fmt.Errorf("%.20q is not an array", value)
	}
	return err
}

func readText(value []byte, into *string) error {
	text, ok := rawjson.Text(value)
	if !ok {
		return fmt.Errorf("%.20q is not a string", value)
	}
	*into = string(text)
	return nil
}

// readWord reads what has a text form of its own.
func readWord(value []byte, into encoding.TextUnmarshaler) error {
	text, ok := rawjson.Text(value)
	if !ok {
		return fmt.Errorf("%.20q is not a string", value)
	}
	return into.UnmarshalText(text)
}

func readNumber(value []byte, into *float64) (err error) {
	*into, err = strconv.ParseFloat(string(value), 64)
	return err
}

func readWhole(value []byte, into *int64) (err error) {
	*into, err = strconv.ParseInt(string(value), 10, 64)
	return err
}

func readTruth(value []byte, into *bool) (err error) {
	*into, err = strconv.ParseBool(string(value))
	return err
}
