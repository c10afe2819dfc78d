package pipeline

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// codecVersion is the first byte of an encoded envelope. A reader refuses other versions
// rather than guess.
const codecVersion = 1

// noTime stands for the zero time, which has no Unix nanoseconds.
const noTime = math.MinInt64

// Flags of an encoded envelope.
const (
	flagValue = 1 << iota
	flagNewTemplate
	flagFlagged
	flagSituation
)

// AppendEnvelope appends the binary form of e to buf: a version byte, then fields in a fixed
// order, strings with their length, integers as varints. Maps are written in key order, so
// that equal envelopes have equal bytes.
func AppendEnvelope(buf []byte, e *layers.Envelope) ([]byte, error) {
	buf = append(buf, codecVersion, flagsOf(e), byte(e.Severity))
	for _, text := range [...]string{e.ID, e.Source, e.Type, e.Key, e.Text, e.TraceParent} {
		buf = appendString(buf, text)
	}
	buf = appendTime(buf, e.Time)
	buf = appendTime(buf, e.ReceivedAt)
	buf = binary.AppendUvarint(buf, e.Origin)
	if e.HasValue {
		buf = appendFloat(buf, e.Value)
	}
	buf = appendString(buf, string(e.Data))
	buf = appendLabels(buf, e.Labels)
	buf = appendHops(buf, e.Hops)
	return appendFindings(buf, &e.Findings)
}

func flagsOf(e *layers.Envelope) byte {
	var flags byte
	if e.HasValue {
		flags |= flagValue
	}
	if e.Findings.NewTemplate {
		flags |= flagNewTemplate
	}
	if e.Findings.Flagged {
		flags |= flagFlagged
	}
	if e.Findings.Situation != nil {
		flags |= flagSituation
	}
	return flags
}

func appendFindings(buf []byte, f *layers.Findings) ([]byte, error) {
	for _, text := range [...]string{f.TemplateID, f.Template, f.FlagReason, f.PlanID} {
		buf = appendString(buf, text)
	}
	buf = appendFloat(buf, f.Anomaly)
	buf = binary.AppendUvarint(buf, uint64(len(f.Parameters)))
	for _, parameter := range f.Parameters {
		buf = appendString(buf, parameter)
	}
	buf = binary.AppendUvarint(buf, uint64(len(f.Features)))
	for _, name := range sortedKeys(f.Features) {
		buf = appendFloat(appendString(buf, name), f.Features[name])
	}
	if f.Situation == nil {
		return buf, nil
	}
	situation, err := json.Marshal(f.Situation)
	if err != nil {
		return nil, fmt.Errorf("pipeline: encode situation %s: %w", f.Situation.ID, err)
	}
	return appendString(buf, string(situation)), nil
}

func appendLabels(buf []byte, labels map[string]string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(labels)))
	for _, name := range sortedKeys(labels) {
		buf = appendString(appendString(buf, name), labels[name])
	}
	return buf
}

func appendHops(buf []byte, hops []layers.Hop) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(hops)))
	for _, hop := range hops {
		buf = append(buf, byte(hop.Layer))
		buf = binary.AppendVarint(buf, hop.WaitUS)
		buf = binary.AppendVarint(buf, hop.ProcessUS)
	}
	return buf
}

func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

func appendString(buf []byte, text string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(text))), text...)
}

func appendFloat(buf []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(buf, math.Float64bits(f))
}

func appendTime(buf []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(buf, noTime)
	}
	return binary.AppendVarint(buf, t.UnixNano())
}
