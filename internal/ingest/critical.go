package ingest

import (
	"bytes"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// MaybeCritical reports whether a message may decode to a critical signal, much faster than decoding it: where it
// says false it does not. It looks for whatever can state that severity: its words in any case, its
// numbers, an escape behind which they could hide, headers, and rules of the configuration.
func (d *Decoder) MaybeCritical(m Message) bool {
	if d.critical {
		return true
	}
	for name := range m.Header {
		if name != "Nats-Msg-Id" && name != "traceparent" {
			return true
		}
	}
	for i, c := range m.Data {
		switch c | 0x20 { // A backslash becomes a bar.
		case 'c', 'f', 'p', 'a', 'e', 'd', '2', '|':
			if isHint(m.Data[i:]) {
				return true
			}
		}
	}
	return false
}

// isHint reports whether data begins with something that can state critical severity.
func isHint(data []byte) bool {
	if len(data) < 2 {
		return false
	}
	switch data[0] {
	case '2':
		return data[1] >= '1' && data[1] <= '4' // OpenTelemetry's numbers
	case '\\':
		return data[1] == 'u'
	}
	for _, word := range [...]string{"crit", "fatal", "panic", "page", "alert", "emerg", "disaster"} {
		if len(data) >= len(word) && data[0]|0x20 == word[0] && bytes.EqualFold(data[:len(word)], []byte(word)) {
			return true
		}
	}
	return false
}

// statesCritical reports whether a rule of the configuration can make a signal critical that does not say so.
func statesCritical(rules []SourceRule) bool {
	for _, rule := range rules {
		if rule.Severity == layers.SeverityCritical {
			return true
		}
		for _, value := range rule.Labels {
			if s, err := layers.ParseSeverity(strings.TrimSpace(value)); err == nil && s == layers.SeverityCritical {
				return true
			}
		}
	}
	return false
}
