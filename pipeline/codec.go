package pipeline

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// codecVersion is the first byte of an encoded envelope: whoever changes the format raises it, and keeps reading the one before (see
// version.go).
const codecVersion = 2

// noTime stands for the zero time, which has no Unix nanoseconds.
const noTime = math.MinInt64

// Flags of an encoded envelope.
const (
	flagNewTemplate = 1 << iota
	flagFlagged
	flagSituation
	flagClasses
	flagMentions
	flagPulse
	flagMarks
)

// AppendEnvelope appends the binary form of e to buf: a version byte, the signal as one block with
// its length, then hops and findings. Strings have their length in front, integers are
// varints, maps are written in key order, so that equal envelopes have equal bytes. The block
// does not change on a signal's way up, unless L2 finds its key: layers hand it on as it came.
func AppendEnvelope(buf []byte, e *layers.Envelope) ([]byte, error) {
	return appendParcel(buf, &parcel{Envelope: *e, identity: identityOf(e.Source, e.ID)})
}

// appendParcel appends an envelope whose signal may be encoded already.
func appendParcel(buf []byte, p *parcel) ([]byte, error) {
	buf = append(buf, codecVersion)
	if p.block == nil {
		block := appendSignal(make([]byte, 0, sizeOfSignal(p)), p)
		p.block = block
	}
	buf = binary.AppendUvarint(buf, uint64(len(p.block)))
	buf = append(buf, p.block...)
	buf = append(buf, flagsOf(&p.Findings))
	buf = appendHops(buf, p.Hops)
	return appendFindings(buf, &p.Findings)
}

// TextMost and DataMost bound what travels above L1 of a signal's text and of its data, bytes. A longer text is cut (L2 looks at
// its first hundred words), and longer data stays where it is: whoever wants it finds it in HAL9_L1 under Origin. So a large body is
// stored once, and not in every layer.
const (
	TextMost = 4 << 10
	DataMost = 16 << 10
)

// appendSignal appends what stays the same on a signal's way up, but for a key that L2 finds. Short texts come first and
// together, so that a reader takes them with one allocation.
func appendSignal(buf []byte, p *parcel) []byte {
	e := &p.Envelope
	text, data := cut(e.Text, TextMost), e.Data
	if len(data) > DataMost {
		data = nil
	}
	buf = append(buf, p.identity[:]...)
	buf = append(buf, byte(e.Severity), boolByte(e.HasValue))
	if e.HasValue {
		buf = appendFloat(buf, e.Value)
	}
	buf = appendTime(buf, e.Time)
	buf = appendTime(buf, e.ReceivedAt)
	buf = binary.AppendUvarint(buf, e.Origin)
	for _, text := range [...]string{e.ID, e.Source, e.Type, e.Key, e.TraceParent, text} {
		buf = binary.AppendUvarint(buf, uint64(len(text)))
	}
	buf = append(buf, e.ID...)
	buf = append(buf, e.Source...)
	buf = append(buf, e.Type...)
	buf = append(buf, e.Key...)
	buf = append(buf, e.TraceParent...)
	buf = append(buf, text...)
	buf = appendLabels(buf, e.Labels)
	return append(binary.AppendUvarint(buf, uint64(len(data))), data...)
}

// cut returns the beginning of a text that is too long, in whole characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// sizeOfSignal is about what appendSignal appends, bytes.
func sizeOfSignal(p *parcel) int {
	size := 96 + len(p.ID) + len(p.Source) + len(p.Type) + len(p.Key) + len(p.TraceParent) + min(len(p.Text), TextMost) + min(len(p.Data), DataMost)
	for name, value := range p.Labels {
		size += len(name) + len(value) + 4
	}
	return size
}

func flagsOf(f *layers.Findings) byte {
	var flags byte
	if f.NewTemplate {
		flags |= flagNewTemplate
	}
	if f.Flagged {
		flags |= flagFlagged
	}
	if f.Situation != nil {
		flags |= flagSituation
	}
	if len(f.Classes) > 0 {
		flags |= flagClasses
	}
	if len(f.Mentions) > 0 {
		flags |= flagMentions
	}
	if f.Pulse {
		flags |= flagPulse
	}
	if f.Evidence != nil {
		flags |= flagEvidence
	}
	if len(f.Marks) > 0 {
		flags |= flagMarks
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
	if f.Situation != nil {
		situation, err := json.Marshal(f.Situation)
		if err != nil {
			return nil, fmt.Errorf("pipeline: encode situation %s: %w", f.Situation.ID, err)
		}
		buf = append(binary.AppendUvarint(buf, uint64(len(situation))), situation...)
	}
	if len(f.Classes) > 0 {
		buf = binary.AppendUvarint(buf, uint64(len(f.Classes)))
		for _, class := range f.Classes {
			buf = appendFloat(appendString(buf, class.Label), class.Strength)
			buf = append(buf, boolByte(class.Flags))
		}
	}
	if len(f.Mentions) > 0 {
		buf = binary.AppendUvarint(buf, uint64(len(f.Mentions)))
		for _, mention := range f.Mentions {
			buf = appendString(appendString(buf, mention.Kind), mention.Name)
		}
	}
	buf = appendMarks(buf, f.Marks)
	if f.Evidence != nil {
		evidence, err := appendEvidence(nil, f.Evidence)
		if err != nil {
			return nil, err
		}
		buf = append(binary.AppendUvarint(buf, uint64(len(evidence))), evidence...)
	}
	return buf, nil
}

func appendMarks(buf []byte, marks []layers.Mark) []byte {
	if len(marks) == 0 {
		return buf
	}
	buf = binary.AppendUvarint(buf, uint64(len(marks)))
	for _, mark := range marks {
		buf = append(appendString(buf, mark.Of), boolByte(mark.Good))
		buf = binary.AppendUvarint(appendFloat(buf, mark.Value), uint64(len(mark.Labels)))
		for _, label := range mark.Labels {
			buf = appendString(buf, label)
		}
	}
	return buf
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

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
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
