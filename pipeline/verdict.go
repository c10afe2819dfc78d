package pipeline

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// appendVerdict appends the JSON form of a verdict: what encoding/json writes for it, without its reflection.
func appendVerdict(buf []byte, v *layers.Verdict) ([]byte, error) {
	buf = appendText(append(buf, `{"signal_id":`...), v.SignalID)
	buf = appendText(append(buf, `,"source":`...), v.Source)
	buf = appendText(append(buf, `,"key":`...), v.Key)
	buf, err := appendSaid(buf, v)
	if err != nil {
		return nil, err
	}
	buf = appendText(append(buf, `,"layer":`...), v.Layer.String())
	buf = appendText(append(buf, `,"disposition":`...), v.Disposition.String())
	buf = appendText(append(buf, `,"reason":`...), v.Reason)
	for _, optional := range [...]struct{ name, text string }{
		{`,"rule":`, v.Rule}, {`,"template_id":`, v.TemplateID}, {`,"template":`, v.Template},
	} {
		if optional.text != "" {
			buf = appendText(append(buf, optional.name...), optional.text)
		}
	}
	if v.Anomaly != 0 {
		if math.IsNaN(v.Anomaly) || math.IsInf(v.Anomaly, 0) {
			return nil, fmt.Errorf("pipeline: anomaly %v is no number between 0 and 1", v.Anomaly)
		}
		buf = strconv.AppendFloat(append(buf, `,"anomaly":`...), v.Anomaly, 'g', -1, 64)
	}
	buf, err = appendClasses(buf, v.Classes)
	if err == nil && v.Evidence != nil {
		buf, err = appendEvidence(append(buf, `,"evidence":`...), v.Evidence)
	}
	if err != nil {
		return nil, err
	}
	for _, optional := range [...]struct{ name, text string }{
		{`,"situation_id":`, v.SituationID}, {`,"plan_id":`, v.PlanID}, {`,"severity":`, v.Severity.String()},
	} {
		if optional.text != "" {
			buf = appendText(append(buf, optional.name...), optional.text)
		}
	}
	for _, at := range [...]struct {
		name string
		time time.Time
	}{{`,"event_time":"`, v.EventTime}, {`,"received_at":"`, v.ReceivedAt}, {`,"decided_at":"`, v.DecidedAt}} {
		if year := at.time.Year(); year < 0 || year > 9999 {
			return nil, fmt.Errorf("pipeline: the year %d of a time has no RFC 3339 form", year)
		}
		buf = append(at.time.AppendFormat(append(buf, at.name...), time.RFC3339Nano), '"')
	}
	buf = appendText(append(buf, `,"trace_id":`...), v.TraceID)
	buf = appendHopsText(append(buf, `,"hops":`...), v.Hops)
	if buf, err = appendMarksText(buf, v.Marks); err != nil {
		return nil, err
	}
	return append(buf, '}'), nil
}

// appendMarksText appends what the objectives and metrics make of the signal; every one may have some.
func appendMarksText(buf []byte, marks []layers.Mark) ([]byte, error) {
	for i := range marks {
		mark := &marks[i]
		if math.IsNaN(mark.Value) || math.IsInf(mark.Value, 0) {
			return nil, fmt.Errorf("pipeline: value %v of %q is no number", mark.Value, mark.Of)
		}
		if i == 0 {
			buf = append(buf, `,"marks":[`...)
		} else {
			buf = append(buf, ',')
		}
		buf = appendText(append(buf, `{"of":`...), mark.Of)
		if mark.Good {
			buf = append(buf, `,"good":true`...)
		}
		if mark.Value != 0 {
			buf = appendNumber(append(buf, `,"value":`...), mark.Value)
		}
		for at, label := range mark.Labels {
			if at == 0 {
				buf = append(buf, `,"labels":[`...)
			} else {
				buf = append(buf, ',')
			}
			buf = appendText(buf, label)
		}
		if len(mark.Labels) > 0 {
			buf = append(buf, ']')
		}
		buf = append(buf, '}')
	}
	if len(marks) > 0 {
		buf = append(buf, ']')
	}
	return buf, nil
}

// appendNumber appends a finite number as encoding/json does for all that are neither tiny nor huge.
func appendNumber(buf []byte, f float64) []byte {
	if abs := math.Abs(f); f != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.AppendFloat(buf, f, 'g', -1, 64)
	}
	return strconv.AppendFloat(buf, f, 'f', -1, 64)
}

// appendSaid appends what the signal itself said of its type and value.
func appendSaid(buf []byte, v *layers.Verdict) ([]byte, error) {
	if v.Type != "" {
		buf = appendText(append(buf, `,"type":`...), v.Type)
	}
	if v.Value != nil {
		if math.IsNaN(*v.Value) || math.IsInf(*v.Value, 0) {
			return nil, fmt.Errorf("pipeline: value %v is no number", *v.Value)
		}
		buf = appendNumber(append(buf, `,"value":`...), *v.Value)
	}
	return buf, nil
}

func appendClasses(buf []byte, classes []layers.Class) ([]byte, error) {
	for i, class := range classes {
		if math.IsNaN(class.Strength) || math.IsInf(class.Strength, 0) {
			return nil, fmt.Errorf("pipeline: strength %v of class %q is no number between 0 and 1", class.Strength, class.Label)
		}
		if i == 0 {
			buf = append(buf, `,"classes":[`...)
		} else {
			buf = append(buf, ',')
		}
		buf = appendText(append(buf, `{"label":`...), class.Label)
		buf = strconv.AppendFloat(append(buf, `,"strength":`...), class.Strength, 'g', -1, 64)
		if class.Flags {
			buf = append(buf, `,"flags":true`...)
		}
		buf = append(buf, '}')
	}
	if len(classes) > 0 {
		buf = append(buf, ']')
	}
	return buf, nil
}

func appendHopsText(buf []byte, hops []layers.Hop) []byte {
	buf = append(buf, '[')
	for i, hop := range hops {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendText(append(buf, `{"layer":`...), hop.Layer.String())
		buf = strconv.AppendInt(append(buf, `,"wait_us":`...), hop.WaitUS, 10)
		buf = strconv.AppendInt(append(buf, `,"process_us":`...), hop.ProcessUS, 10)
		buf = append(buf, '}')
	}
	return append(buf, ']')
}

// appendText appends a JSON string. What needs no escape, nearly everything, is copied.
func appendText(buf []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendEscaped(buf, text)
		}
	}
	buf = append(buf, '"')
	buf = append(buf, text...)
	return append(buf, '"')
}

func appendEscaped(buf []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil { // A string always has a JSON form.
		return append(buf, `""`...)
	}
	return append(buf, quoted...)
}
