package ingest

import (
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// spanType is the type of signals made from spans.
const spanType = "span"

// The labels of a span: L3 learns from them who calls whom, and tells one operation's durations from another's.
const (
	labelTrace     = "trace_id"
	labelSpan      = "span_id"
	labelParent    = "parent_span_id"
	labelService   = "service"
	labelInstance  = "instance"
	labelOperation = "operation"
	labelCaller    = "caller"
	labelCallee    = "callee"
)

// span reads a span of a distributed trace, in whatever shape tracers and their collectors write it, and reports whether it is one:
// it belongs to a trace and took its time, and names its parent or is no message that merely mentions a trace. Its value is its
// duration, in the sender's unit, or in milliseconds where only start and end, or a text with a unit, tell it.
func (s *draft) span(p *picked) bool {
	f := readSpan(p.members)
	duration, took := f.duration()
	if !took || f[factTrace] == "" || f[factParent] == "" && s.Text != "" {
		return false
	}
	if !s.HasValue {
		s.Value, s.HasValue = duration, true
	}
	if s.Type == "" {
		s.Type = spanType
	}
	if s.Severity == layers.SeverityUnset && f.failed() {
		s.Severity = layers.SeverityError
	}
	if t, ok := momentOf(f[factStart]); ok {
		s.Time = t
	}
	service, instance := f.name(factService), f.name(factInstance)
	if s.hint = service; service == "" {
		s.hint = instance
	}
	for _, l := range [...]struct{ name, value string }{
		{labelTrace, f.name(factTrace)},
		{labelSpan, f.name(factSpan)},
		{labelParent, f.parent()},
		{labelService, service},
		{labelInstance, instance},
		{labelOperation, operationName(f.name(factOperation))},
		{labelCaller, f.name(factCaller)},
		{labelCallee, f.name(factCallee)},
	} {
		if _, has := s.Labels[l.name]; !has && l.value != "" && len(s.Labels) < maxLabels {
			s.setLabel(l.name, l.value)
		}
	}
	return true
}

// duration returns how long the span took.
func (f *spanFacts) duration() (took float64, ok bool) {
	text := f[factDuration]
	if x, err := strconv.ParseFloat(text, 64); err == nil && isFiniteNumber([]byte(text)) {
		return x, x >= 0
	}
	if d, err := time.ParseDuration(text); err == nil {
		return milliseconds(d), d >= 0
	}
	start, ok := momentOf(f[factStart])
	end, ended := momentOf(f[factEnd])
	return milliseconds(end.Sub(start)), ok && ended && !end.Before(start)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// failed reports whether the span says that it did: by a flag, a status of HTTP from 500 on, one of gRPC or OpenTelemetry from 2
// on (1 is OK to the one and cancelled to the other), or a word.
func (f *spanFacts) failed() bool {
	switch strings.ToLower(f[factError]) {
	case "", "false", "0", "null", "none":
	default:
		return true
	}
	switch strings.ToLower(f[factSuccess]) {
	case "false", "0", "no":
		return true
	}
	status := strings.ToLower(f[factStatus])
	if code, err := strconv.ParseFloat(status, 64); err == nil {
		return code >= 500 && code < 600 || code >= 2 && code <= 16
	}
	return strings.Contains(status, "err") || strings.Contains(status, "fail")
}

// name returns a fact where it can be a name, and "" elsewhere.
func (f *spanFacts) name(of spanFact) string {
	text := f[of]
	if checkName("", text, maxKeyBytes) != nil {
		return ""
	}
	return text
}

// parent returns the span that called this one; tracers have several ways to say that there is none.
func (f *spanFacts) parent() string {
	parent := f.name(factParent)
	if strings.Trim(parent, "0") == "" || parent == f[factSpan] {
		return ""
	}
	switch strings.ToLower(parent) {
	case "root", "none", "null", "nil", "nan":
		return ""
	}
	return parent
}

// operationName is an operation without what differs from call to call: the query of a URL, and numbers and ids in its path.
func operationName(text string) string {
	text, _, _ = strings.Cut(text, "?")
	if !strings.Contains(text, "/") {
		return text
	}
	parts := strings.Split(text, "/")
	for i, part := range parts {
		if digits := len(part) - len(strings.Trim(part, "0123456789")); part != "" && (digits == len(part) || len(part) >= 16 && strings.ContainsAny(part, "0123456789")) {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}
