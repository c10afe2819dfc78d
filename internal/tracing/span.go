package tracing

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// textMost bounds a text in a span, bytes.
const textMost = 1 << 10

// spanIDBytes and the places of the ids in a traceparent, 00-<trace>-<span>-<flags>.
const (
	spanIDBytes = 8
	spanIDStart = 36
	spanIDEnd   = 52
)

var errNoTrace = errors.New("tracing: the verdict has no trace id")

// spansOf returns the trace of a verdict: the signal's span, which is the root or a child of the sender's span, and for each hop how long
// the signal waited in the stream and how long the layer took. Hops follow one another from when the signal was received on, as in
// `hal9 trace`: what passed between them, a publish each, is the rest at the end.
func spansOf(data []byte, traceParent string, own bool) ([]*tracepb.Span, error) {
	var v layers.Verdict
	if err := pipeline.ReadVerdict(data, &v); err != nil {
		return nil, fmt.Errorf("tracing: verdict: %w", err)
	}
	traceID, err := hex.DecodeString(v.TraceID)
	if err != nil || len(traceID) != 16 {
		return nil, errNoTrace
	}
	made := pipeline.TraceParentOf(v.Source, v.SignalID)
	root := &tracepb.Span{
		TraceId: traceID, SpanId: spanID(made), Name: "signal " + v.Source, Kind: tracepb.Span_SPAN_KIND_CONSUMER,
		StartTimeUnixNano: nanos(v.ReceivedAt), Attributes: attributes(&v), Status: &tracepb.Status{},
	}
	if !own {
		root.ParentSpanId = spanID(traceParent)
	}
	if v.Disposition == layers.DispositionDead {
		root.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: cut(v.Reason)}
	}
	spans := []*tracepb.Span{root}
	at := v.ReceivedAt
	for _, hop := range v.Hops {
		for _, part := range [...]struct {
			name string
			us   int64
		}{{"wait", hop.WaitUS}, {"process", hop.ProcessUS}} {
			child := &tracepb.Span{
				TraceId: traceID, SpanId: childID(root.SpanId, len(spans)), ParentSpanId: root.SpanId,
				Name: hop.Layer.String() + " " + part.name, Kind: tracepb.Span_SPAN_KIND_INTERNAL,
				StartTimeUnixNano: nanos(at), Attributes: []*commonpb.KeyValue{text("hal9.layer", hop.Layer.String())},
			}
			at = at.Add(time.Duration(max(0, part.us)) * time.Microsecond)
			child.EndTimeUnixNano = nanos(at)
			spans = append(spans, child)
		}
	}
	root.EndTimeUnixNano = max(nanos(at), nanos(v.DecidedAt)) // Clocks of two machines may differ.
	return spans, nil
}

// attributes says what the verdict says.
func attributes(v *layers.Verdict) []*commonpb.KeyValue {
	list := []*commonpb.KeyValue{
		text("hal9.signal_id", v.SignalID), text("hal9.source", v.Source), text("hal9.key", v.Key), text("hal9.layer", v.Layer.String()),
		text("hal9.disposition", v.Disposition.String()), text("hal9.reason", v.Reason),
		text("hal9.event_time", v.EventTime.UTC().Format(time.RFC3339Nano)),
	}
	for _, optional := range [...]struct{ name, value string }{
		{"hal9.type", v.Type},
		{"hal9.severity", v.Severity.String()},
		{"hal9.rule", v.Rule},
		{"hal9.template_id", v.TemplateID},
		{"hal9.situation_id", v.SituationID},
		{"hal9.plan_id", v.PlanID},
	} {
		if optional.value != "" {
			list = append(list, text(optional.name, optional.value))
		}
	}
	if v.Anomaly != 0 {
		list = append(list, &commonpb.KeyValue{Key: "hal9.anomaly", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: v.Anomaly}}})
	}
	return list
}

// text returns an attribute; Protocol Buffers take UTF-8 only.
func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: cut(value)}}}
}

func cut(value string) string {
	return strings.ToValidUTF8(value[:min(len(value), textMost)], "�")
}

// spanID returns the span id of a traceparent, nil where it has none.
func spanID(traceParent string) []byte {
	if len(traceParent) < spanIDEnd {
		return nil
	}
	id, err := hex.DecodeString(traceParent[spanIDStart:spanIDEnd])
	if err != nil {
		return nil
	}
	return id
}

// childID returns the id of the n-th span below a root: always the same.
func childID(root []byte, n int) []byte {
	sum := sha256.Sum256(append(slices.Clip(root), byte(n)))
	return sum[:spanIDBytes]
}

func nanos(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(0, t.UnixNano()))
}
