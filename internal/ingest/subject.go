package ingest

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// SubjectPrefix starts every subject on which signals are published.
const SubjectPrefix = "hal9.signals."

// maxSubjectBytes bounds SubjectToken's result, far below NATS's control line of 4 KiB.
const maxSubjectBytes = 255

// SubjectToken makes a source into what may stand after SubjectPrefix: dots are kept,
// spaces, wildcards, control characters and invalid UTF-8 become "_", empty tokens are
// dropped, and the result is neither empty nor longer than 255 bytes. Different sources
// may give the same subject; the source itself travels in the payload.
func SubjectToken(source string) string {
	var b strings.Builder
	dot := false
	for _, r := range source {
		if r == '.' {
			dot = b.Len() > 0
			continue
		}
		if r == utf8.RuneError || r == '*' || r == '>' || unicode.IsSpace(r) || unicode.IsControl(r) {
			r = '_'
		}
		n := utf8.RuneLen(r)
		if dot {
			n++
		}
		if b.Len()+n > maxSubjectBytes {
			break
		}
		if dot {
			b.WriteByte('.')
			dot = false
		}
		b.WriteRune(r)
	}
	if b.Len() == 0 {
		return "unknown"
	}
	return b.String()
}

// subjectSource is the source that a subject stands for.
func subjectSource(subject string) string {
	source := strings.TrimPrefix(subject, SubjectPrefix)
	if !utf8.ValidString(source) {
		source = strings.ToValidUTF8(source, "_")
	}
	if source == "" {
		return "nats"
	}
	return source
}
