package ingest

import (
	"bytes"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// MaybeCritical reports whether a message may decode to a critical signal, much faster than decoding it: where it
// says false it does not. It looks for whatever can state that severity: its words in any case, its
// numbers, the headers of syslog and klog, an escape or base64 behind which they could hide, NATS headers, and rules of
// the configuration.
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
		case 'c', 'f', 'p', 'a', 'e', 'd', 's', '2', '<', '|':
			if isHint(m.Data, i) {
				return true
			}
		}
	}
	return false
}

// isHint reports whether something that can state critical severity begins at i.
func isHint(data []byte, i int) bool {
	rest := data[i:]
	if len(rest) < 2 {
		return false
	}
	switch rest[0] {
	case '2': // OpenTelemetry's numbers, with zeros in front perhaps
		return rest[1] >= '1' && rest[1] <= '4' && (i == 0 || data[i-1] < '1' || data[i-1] > '9') && (len(rest) == 2 || !isDigit(rest[2]))
	case '<': // syslog's priority
		return isDigit(rest[1])
	case '\\':
		return rest[1] == 'u'
	case 'F': // klog's header, F0519
		if len(rest) >= 5 && isDigit(rest[1]) && isDigit(rest[2]) && isDigit(rest[3]) && isDigit(rest[4]) {
			return true
		}
	}
	for _, word := range [...]string{"crit", "fatal", "panic", "page", "alert", "emerg", "disaster", "data_base64", "p0", "p1", "sev0", "sev1"} {
		if len(rest) >= len(word) && rest[0]|0x20 == word[0] && bytes.EqualFold(rest[:len(word)], []byte(word)) {
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
