package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of a payload on a screen.
const (
	payloadLines = 40
	payloadWidth = 160 // characters of a line
	dumpBytes    = 16 * 16
)

// payloadText writes a payload for people: JSON in its structure, text as it is, anything else as
// a dump. What is left out is said.
func payloadText(data []byte) string {
	switch {
	case len(data) == 0:
		return "(empty)\n"
	case json.Valid(data):
		var pretty bytes.Buffer
		if json.Indent(&pretty, data, "", "  ") == nil {
			return textLines(pretty.String())
		}
		return textLines(string(data))
	case utf8.Valid(data) && bytes.IndexByte(data, 0) < 0:
		return textLines(string(data))
	default:
		return dump(data)
	}
}

func textLines(text string) string {
	var b strings.Builder
	lines := strings.SplitAfter(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if i == payloadLines {
			fmt.Fprintf(&b, "… %s more lines: --raw gives all\n", thousands(len(lines)-i))
			break
		}
		line = strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")
		if more := utf8.RuneCountInString(line) - payloadWidth; more > 0 {
			fmt.Fprintf(&b, "%s %s more characters: --raw gives all\n", clip(line, payloadWidth), thousands(more))
			continue
		}
		b.WriteString(clean(line) + "\n")
	}
	return b.String()
}

func dump(data []byte) string {
	text := hex.Dump(data[:min(len(data), dumpBytes)])
	if more := len(data) - dumpBytes; more > 0 {
		text += fmt.Sprintf("… %s more bytes: --raw gives all\n", thousands(more))
	}
	return text
}
