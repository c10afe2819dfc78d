package reflexive

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"math"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// digest stands for a content, 128 bits.
type digest [16]byte

func (d digest) String() string { return hex.EncodeToString(d[:]) }

func parseDigest(text string) (d digest, ok bool) {
	if len(text) != 2*len(d) {
		return d, false
	}
	_, err := hex.Decode(d[:], []byte(text))
	return d, err == nil
}

// hasher makes digests. Each part is preceded by its length, so that no two contents are
// written as the same bytes. What stays in this process is hashed twice under seeds that are drawn
// when it starts and never leave it: senders choose what is hashed, but can't know which contents would
// collide. What processes tell each other is half of a SHA-256 sum. A hasher keeps its buffers and is
// not safe for concurrent use.
type hasher struct {
	first, second maphash.Seed
	buffer        []byte
	names         []string
}

func newHasher() hasher { return hasher{first: maphash.MakeSeed(), second: maphash.MakeSeed()} }

func (h *hasher) identity(source, id string) digest {
	h.buffer = h.buffer[:0]
	h.put(source)
	h.put(id)
	return h.sum()
}

// condition leaves out what may change while an alert is about the same thing: its status,
// severity, text and value, and labels that tell how much or when.
func (h *hasher) condition(s *layers.Signal) digest {
	h.buffer = h.buffer[:0]
	h.put(s.Source)
	if key := s.Labels[labelAlertKey]; key != "" {
		h.put(key)
		return h.stable()
	}
	h.put(s.Type)
	h.put(s.Key)
	h.labels(s.Labels, isIdentity)
	return h.stable()
}

// group names what an inhibition's sources and targets must have in common.
func (h *hasher) group(rule string, equal []string, s *layers.Signal) digest {
	h.buffer = h.buffer[:0]
	h.put(rule)
	for _, name := range equal {
		h.put(partOf(s, name))
	}
	return h.stable()
}

// text is the same for texts that differ in numbers only.
func (h *hasher) text(text string) digest {
	h.buffer = appendWording(h.buffer[:0], text)
	return h.stable()
}

// content covers what the policy's expressions look at, under the policy's version.
func (h *hasher) content(p *policy, s *layers.Signal) digest {
	h.buffer = binary.LittleEndian.AppendUint64(h.buffer[:0], p.version)
	h.buffer = append(h.buffer, byte(s.Severity), 0)
	if s.HasValue && p.reads&layers.ReadsValue != 0 {
		h.buffer[9] = 1
		h.buffer = binary.LittleEndian.AppendUint64(h.buffer, math.Float64bits(s.Value))
	}
	for _, part := range [...]struct {
		read layers.Reads
		text string
	}{{layers.ReadsSource, s.Source}, {layers.ReadsType, s.Type}, {layers.ReadsKey, s.Key}, {layers.ReadsText, s.Text}} {
		if p.reads&part.read != 0 {
			h.put(part.text)
		}
	}
	if p.reads&layers.ReadsLabels != 0 {
		h.labels(s.Labels, nil)
	}
	if p.reads&layers.ReadsData != 0 {
		h.buffer = binary.LittleEndian.AppendUint64(h.buffer, uint64(len(s.Data)))
		h.buffer = append(h.buffer, s.Data...)
	}
	return h.sum()
}

// labels writes the labels that count, all where nothing says which, in the order of their names.
func (h *hasher) labels(labels map[string]string, counts func(name, value string) bool) {
	h.names = h.names[:0]
	for name, value := range labels {
		if counts == nil || counts(name, value) {
			h.names = append(h.names, name)
		}
	}
	slices.Sort(h.names)
	h.buffer = binary.LittleEndian.AppendUint64(h.buffer, uint64(len(h.names)))
	for _, name := range h.names {
		h.put(name)
		h.put(labels[name])
	}
	clear(h.names) // They must not keep the signal alive.
}

func (h *hasher) put(text string) {
	h.buffer = binary.LittleEndian.AppendUint64(h.buffer, uint64(len(text)))
	h.buffer = append(h.buffer, text...)
}

// maxBuffer is what is kept between signals: one huge signal must not cost memory for ever.
const maxBuffer = 64 << 10

func (h *hasher) sum() (d digest) {
	binary.LittleEndian.PutUint64(d[:8], maphash.Bytes(h.first, h.buffer))
	binary.LittleEndian.PutUint64(d[8:], maphash.Bytes(h.second, h.buffer))
	h.trim()
	return d
}

// stable is the same in every process.
func (h *hasher) stable() digest {
	sum := sha256.Sum256(h.buffer)
	h.trim()
	return digest(sum[:16])
}

func (h *hasher) trim() {
	if cap(h.buffer) > maxBuffer {
		h.buffer = nil
	}
}

// isIdentity reports whether a label says what an alert is about, and not how it stands now, or when.
func isIdentity(name, value string) bool {
	if isMoment(value) {
		return false
	}
	switch strings.ToLower(name) {
	case labelStatus, "status", "state", "alert_status", "alertstate", "alert_state", "transition", // it changes by nature
		"value", "current_value", "currentvalue", "current", "measured", "observed", "threshold_value", "values",
		"time", "timestamp", "ts", "startsat", "starts_at", "endsat", "ends_at", "updated_at", "updatedat", "last_seen", "lastseen",
		"duration", "age", "count", "occurrences", "repeat", "repeats", "notification_id", "event_id", "alert_id", "incident_id":
		return false
	}
	return true
}

// isMoment reports whether a label's value is a time: 2026-11-26T10:00:00Z, or Unix seconds, milliseconds and so on of this century.
func isMoment(value string) bool {
	digits := len(value) > 0 && strings.Trim(value, "0123456789") == ""
	if digits {
		return len(value) >= len("1000000000") && (len(value)-len("1000000000"))%3 == 0 && (value[0] == '1' || value[0] == '2')
	}
	return len(value) >= len("2026-11-26T10:00") && len(value) <= len("2026-11-26T10:00:00.123456789+01:00") &&
		value[4] == '-' && value[7] == '-' && (value[10] == 'T' || value[10] == ' ') && value[13] == ':' && isDigit(value[0]) && isDigit(value[15])
}

// partOf returns a label, or where the signal has none of that name its source, key or type.
func partOf(s *layers.Signal, name string) string {
	if value, ok := s.Labels[name]; ok {
		return value
	}
	switch name {
	case "source":
		return s.Source
	case "key":
		return s.Key
	case "type":
		return s.Type
	}
	return ""
}
