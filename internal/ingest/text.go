package ingest

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// line reads text: a bare number is a value, anything else a message whose severity is
// told by a level word near its start.
func (d *Decoder) line(data []byte, o *origin) (Item, error) {
	if err := checkLine(data); err != nil {
		return Item{}, err
	}
	s := draft{}
	if isNumber(data) {
		value, err := (&member{raw: data, kind: kindNumber}).number()
		if err != nil {
			return Item{}, err
		}
		s.Value, s.HasValue = value, true
		return d.finish(&s, o)
	}
	s.Text = string(data)
	s.Severity = lineSeverity(s.Text)
	s.hint = syslogHost(s.Text)
	return d.finish(&s, o)
}

// checkLine verifies that data is text.
func checkLine(data []byte) error {
	if len(data) == 0 {
		return errEmpty()
	}
	if err := checkUTF8(data); err != nil {
		return err
	}
	if at := bytes.IndexByte(data, 0); at >= 0 {
		return &fieldError{problem: "no text: byte " + strconv.Itoa(at) + " is zero", want: "text, a number or a JSON object"}
	}
	return nil
}

func checkUTF8(data []byte) error {
	if utf8.Valid(data) {
		return nil
	}
	at := 0
	for at < len(data) {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return &fieldError{
		problem: "invalid UTF-8 at byte " + strconv.Itoa(at),
		want:    "UTF-8; binary data needs CloudEvents' binary mode or data_base64",
	}
}

func errEmpty() error {
	return &fieldError{problem: "empty: there is no signal in it", want: "text, a number or a JSON object"}
}

// clean removes the space around data and the byte order mark that some tools put first.
func clean(data []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(data), []byte("\xef\xbb\xbf")))
}

// Bounds of the search for a level word: log formats put it after at most a date, a time,
// a host and a process.
const (
	levelTokens = 10
	levelBytes  = 256
)

// lineSeverity finds the severity that a log line states: a syslog priority ("<34>"), the
// header of klog and glog ("E0519 "), or among the first ten words within 256 bytes a
// level=word, or a level word in capitals, in brackets or before a colon. Level words in
// running text ("no error found") do not count.
func lineSeverity(line string) layers.Severity {
	if s, ok := syslogSeverity(line); ok {
		return s
	}
	if s, ok := klogSeverity(line); ok {
		return s
	}
	line = line[:min(len(line), levelBytes)]
	for range levelTokens {
		line = strings.TrimLeft(line, " \t\r\n")
		if line == "" {
			break
		}
		end := strings.IndexAny(line, " \t\r\n")
		if end < 0 {
			end = len(line)
		}
		if s := tokenSeverity(line[:end]); s != layers.SeverityUnset {
			return s
		}
		line = line[end:]
	}
	return layers.SeverityUnset
}

// syslogSeverity reads RFC 5424's priority: facility times eight plus severity.
func syslogSeverity(line string) (layers.Severity, bool) {
	if line == "" || line[0] != '<' {
		return 0, false
	}
	end := strings.IndexByte(line[:min(len(line), 5)], '>')
	if end < 2 || !isDigit(line[1]) {
		return 0, false
	}
	priority, err := strconv.Atoi(line[1:end])
	if err != nil || priority > 191 {
		return 0, false
	}
	switch priority % 8 {
	case 0, 1, 2:
		return layers.SeverityCritical, true
	case 3:
		return layers.SeverityError, true
	case 4:
		return layers.SeverityWarning, true
	case 7:
		return layers.SeverityDebug, true
	default:
		return layers.SeverityInfo, true
	}
}

// klogSeverity reads the header Lmmdd hh:mm:ss of klog and glog.
func klogSeverity(line string) (layers.Severity, bool) {
	const header = len("E0519 12:")
	if len(line) < header || line[5] != ' ' || line[8] != ':' {
		return 0, false
	}
	for _, i := range [...]int{1, 2, 3, 4, 6, 7} {
		if !isDigit(line[i]) {
			return 0, false
		}
	}
	switch line[0] {
	case 'I':
		return layers.SeverityInfo, true
	case 'W':
		return layers.SeverityWarning, true
	case 'E':
		return layers.SeverityError, true
	case 'F':
		return layers.SeverityCritical, true
	default:
		return 0, false
	}
}

// tokenSeverity judges one word of a line.
func tokenSeverity(token string) layers.Severity {
	if name, value, ok := strings.Cut(token, "="); ok {
		switch strings.ToLower(name) {
		case "level", "lvl", "severity", "loglevel":
			return levelWord(strings.Trim(value, `"',;`))
		}
		return layers.SeverityUnset
	}
	word := strings.TrimLeft(token, "[(<{|\"'")
	marked := len(word) < len(token)
	if !marked && strings.EqualFold(strings.TrimRight(word, ":"), "alert") { // Nagios writes SERVICE ALERT: for what is well, too.
		return layers.SeverityUnset
	}
	if end := strings.IndexAny(word, "])>}|:,;\"'"); end >= 0 {
		marked = marked || word[end] == ':'
		word = word[:end]
	}
	if !marked && !isUpper(word) {
		return layers.SeverityUnset
	}
	return levelWord(word)
}

func isUpper(word string) bool {
	for i := range len(word) {
		if word[i] < 'A' || word[i] > 'Z' {
			return false
		}
	}
	return true
}

// maxLevelWord is the longest of the level words.
const maxLevelWord = len("emergency")

// levelWord knows the words that log formats use. They are fewer than a severity field may
// have: "high" or "normal" in a line is seldom a level.
func levelWord(word string) layers.Severity {
	if len(word) < len("err") || len(word) > maxLevelWord {
		return layers.SeverityUnset
	}
	switch strings.ToLower(word) {
	case "trace", "debug", "verbose", "fine":
		return layers.SeverityDebug
	case "info", "notice":
		return layers.SeverityInfo
	case "warn", "warning":
		return layers.SeverityWarning
	case "err", "error", "severe":
		return layers.SeverityError
	case "crit", "critical", "fatal", "panic", "alert", "emerg", "emergency":
		return layers.SeverityCritical
	default:
		return layers.SeverityUnset
	}
}
