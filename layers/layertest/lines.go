package layertest

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// line is a template of a log source; its verbs are filled in order.
type line struct {
	source   string
	severity layers.Severity
	format   string // every %s is a parameter
	fill     func(m *mixer) []string
}

func lines() []line {
	request := func(m *mixer) []string { return []string{m.path(), m.number(400)} }
	session := func(m *mixer) []string { return []string{m.number(9_000), m.address()} }
	block := func(m *mixer) []string { return []string{"blk_" + m.number(1_000_000), m.number(70_000_000)} }
	none := func(*mixer) []string { return nil }
	return []line{
		{"web", layers.SeverityInfo, "GET %s answered in %sms", request},
		{"web", layers.SeverityInfo, "cache is warm again", none},
		{"web", layers.SeverityUnset, "worker %s took connection from %s", session},
		{"web", layers.SeverityDebug, "poll loop turned", none},
		{"web", layers.SeverityError, "upstream %s failed after %sms", request},
		{"auth", layers.SeverityInfo, "session %s opened from %s", session},
		{"auth", layers.SeverityWarning, "failed password for session %s from %s", session},
		{"storage", layers.SeverityInfo, "received block %s of size %s", block},
		{"storage", layers.SeverityUnset, "deleting block %s after %s bytes", block},
		{"storage", layers.SeverityCritical, "checksum of block %s is wrong at offset %s", block},
	}
}

// logLine draws a line; what is severe is rare.
func (m *mixer) logLine(e *layers.Envelope) {
	all := lines()
	l := all[m.random.IntN(len(all))]
	if l.severity >= layers.SeverityError && m.random.IntN(5) > 0 {
		l = all[0]
	}
	parameters := l.fill(m)
	values, marks := make([]any, len(parameters)), make([]any, len(parameters))
	for i, p := range parameters {
		values[i], marks[i] = p, "<*>"
	}
	e.Source, e.Type, e.Key, e.Severity = l.source, "log", l.source+"-"+m.number(3), l.severity
	e.Labels = map[string]string{"host": e.Key}
	e.Text = fmt.Sprintf(l.format, values...)
	m.mined(e, fmt.Sprintf(l.format, marks...), parameters...)
}

// mined fills in what L2 finds out about a text.
func (m *mixer) mined(e *layers.Envelope, template string, parameters ...string) {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(e.Source + "\x00" + template)) // A hash never fails to write.
	e.Findings.TemplateID = hex.EncodeToString(sum.Sum(nil))
	e.Findings.Template, e.Findings.Parameters = template, parameters
	e.Findings.NewTemplate = !m.known[e.Findings.TemplateID]
	m.known[e.Findings.TemplateID] = true
}

func (m *mixer) number(n int) string { return strconv.Itoa(m.random.IntN(n)) }

func (m *mixer) address() string {
	return fmt.Sprintf("10.0.%d.%d", m.random.IntN(256), m.random.IntN(256))
}

func (m *mixer) path() string {
	return strings.Join([]string{"", "v1", []string{"orders", "carts", "users"}[m.random.IntN(3)], m.number(1000)}, "/")
}
