package web

import (
	"bytes"

	"github.com/2lab-ai/hal9/internal/ingest"
)

// count says how many signals a body has without making any of them, so that eight million
// bytes of "0,0,0" cost a scan and not a gigabyte. It may count some too many, never too few.
type count func(body []byte) int

// countOf returns the count for a format of /v1/signals.
func countOf(format ingest.Format) count {
	switch format {
	case ingest.FormatNDJSON, ingest.FormatText:
		return countLines
	default:
		return countArray
	}
}

// countLines counts the lines that are not blank.
func countLines(body []byte) int {
	n := 0
	for line := range bytes.Lines(body) {
		if len(bytes.TrimSpace(line)) > 0 {
			n++
		}
	}
	return n
}

// countArray counts the elements of a JSON array; anything else is one signal.
func countArray(body []byte) int {
	if first := bytes.IndexAny(body, `["{`); first < 0 || body[first] != '[' {
		return 1
	}
	return commas(body, 1) + 1
}

// countAlerts counts the elements of the arrays in an object: the alerts of a webhook and
// the few labels that stand beside them.
func countAlerts(body []byte) int { return commas(body, 2) + 1 }

// commas counts the commas of a JSON text at one depth of nesting. It checks nothing: the
// decoder does.
func commas(body []byte, depth int) (n int) {
	open, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			open++
		case c == ']' || c == '}':
			open--
		case c == ',' && open == depth:
			n++
		}
	}
	return n
}
