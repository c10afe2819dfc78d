package trial

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/layers"
)

// Bounds of a test: enough for a month of samples every few seconds.
const (
	maxSignals = 1_000_000
	maxSpan    = 400 * 24 * time.Hour
)

var usualStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Loaded is a file of tests that is ready to run.
type Loaded struct {
	Name  string
	Tests []Test

	document *config.Document
}

// Load reads a file of tests. Its error joins a *config.Problem for each thing that is wrong in it.
func Load(path string) (*Loaded, error) {
	var file File
	document, err := config.ReadDocument(path, &file)
	if err != nil {
		return nil, err
	}
	return check(path, &file, document)
}

// Parse is Load for data, which problems call name.
func Parse(name string, data []byte) (*Loaded, error) {
	var file File
	return check(name, &file, config.ParseDocument(name, data, &file))
}

func check(name string, file *File, document *config.Document) (*Loaded, error) {
	if err := document.Err(); err != nil {
		return nil, err
	}
	if len(file.Tests) == 0 {
		document.Report("tests", "there are no tests: want a list of them below tests:")
	}
	names := make(map[string]int)
	for i := range file.Tests {
		t, path := &file.Tests[i], fmt.Sprintf("tests[%d]", i)
		c := checker{document, path}
		switch before, taken := names[t.Name]; {
		case strings.TrimSpace(t.Name) == "":
			c.report("name", "is empty: want what the test is about")
		case taken:
			c.report("name", "%q is the name of the test in line %d, too", t.Name, document.Line(fmt.Sprintf("tests[%d]", before)))
		default:
			names[t.Name] = i
		}
		c.test(t)
	}
	if err := document.Err(); err != nil {
		return nil, err
	}
	return &Loaded{Name: name, Tests: file.Tests, document: document}, nil
}

// checker reports what is wrong below a path.
type checker struct {
	document *config.Document
	path     string
}

func (c checker) at(format string, args ...any) checker {
	return checker{c.document, c.path + "." + fmt.Sprintf(format, args...)}
}

func (c checker) report(key, format string, args ...any) {
	c.document.Report(c.path+"."+key, format, args...)
}

// test checks a test and works its times out.
func (c checker) test(t *Test) {
	t.start = usualStart
	if t.Start != nil {
		t.start = c.absolute("start", t.Start)
	}
	if len(t.Signals) == 0 {
		c.report("signals", "there are none: want at least one signal")
	}
	next, all := t.start, 0
	for i := range t.Signals {
		next = c.at("signals[%d]", i).signal(&t.Signals[i], t.start, next)
		if t.Signals[i].at.Before(t.start) || next.Sub(t.start) > maxSpan {
			c.report(fmt.Sprintf("signals[%d].at", i), "it comes before start or more than 400 days after it")
			next = t.start
		}
		if all += t.Signals[i].Repeat; all > maxSignals {
			c.report(fmt.Sprintf("signals[%d].repeat", i), "more than %d signals in one test", maxSignals)
			break
		}
	}
	t.advance = c.duration("advance", t.Advance)
	if t.advance > maxSpan {
		c.report("advance", "want at most 400d")
	}
	c.at("expect").expect(&t.Expect)
}

// signal checks an entry whose test starts at start, and which comes at next unless it says when. It returns when its
// last repetition comes.
func (c checker) signal(s *Signal, start, next time.Time) time.Time {
	s.at, s.every = next, c.duration("every", s.Every)
	if s.At != nil {
		s.at = c.moment("at", s.At, start)
	}
	if s.Time != nil {
		s.lag = s.at.Sub(c.moment("time", s.Time, start))
	}
	switch {
	case s.Repeat < 0 || s.Repeat > maxSignals:
		c.report("repeat", "want 1 to %d", maxSignals)
		s.Repeat = 1
	case s.Repeat == 0:
		s.Repeat = max(1, len(s.Values))
	}
	if s.every > maxSpan {
		c.report("every", "want at most 400d")
		s.every = 0
	}
	if s.Source == "" {
		s.Source = "test"
	}
	if _, ok := s.Value.(float64); s.Value != nil && !ok {
		c.report("value", "want a number such as 3.5")
	}
	for i, value := range s.Values {
		if _, ok := value.(float64); !ok {
			c.report(fmt.Sprintf("values[%d]", i), "want a number such as 3.5")
		}
	}
	if s.Value != nil && len(s.Values) > 0 {
		c.report("values", "want either value or values")
	}
	c.body(s)
	if s.Repeat > 1 && s.every > maxSpan/time.Duration(s.Repeat) {
		c.report("every", "the last repetition comes more than 400 days after the first")
		return s.at
	}
	return s.at.Add(time.Duration(s.Repeat-1) * s.every)
}

// body checks that an entry says either what is in a signal or what its sender writes, and that it can be sent.
func (c checker) body(s *Signal) {
	fields := s.ID != "" || s.Type != "" || s.Key != "" || s.Time != nil || s.Text != "" || s.Value != nil ||
		s.Data != nil || len(s.Labels) > 0 || s.Severity != layers.SeverityUnset
	if s.Body != nil && fields {
		c.report("body", "it is all that the sender writes: want either body or the fields of the signal")
		return
	}
	if _, err := s.message(0, 1); err != nil {
		c.document.Report(c.path, "%s", strings.TrimPrefix(err.Error(), "ingest: "))
	}
}

// moment reads a duration after start, which may be negative, or a time.
func (c checker) moment(key string, value any, start time.Time) time.Time {
	text, ok := value.(string)
	if !ok {
		c.report(key, "want a duration after start such as 90s, or a time such as 2026-01-01T00:01:30Z")
		return start
	}
	sign := time.Duration(1)
	rest, before := strings.CutPrefix(text, "-")
	if before {
		sign = -1
	}
	after, err := config.ParseDuration(rest)
	if err == nil {
		return start.Add(sign * after)
	}
	at, timeErr := time.Parse(time.RFC3339Nano, text)
	if timeErr != nil {
		c.report(key, "%s; nor is it a time such as 2026-01-01T00:01:30Z", err)
		return start
	}
	return at.UTC()
}

func (c checker) absolute(key string, value any) time.Time {
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.Year() < 1970 || at.Year() > 2200 {
		c.report(key, "want a time such as 2026-01-01T00:00:00Z")
		return usualStart
	}
	return at.UTC()
}

func (c checker) duration(key, text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := config.ParseDuration(text)
	if err == nil && d < 0 {
		err = errors.New("want no less than 0s")
	}
	if err != nil {
		c.report(key, "%s", err)
	}
	return max(0, d)
}

// expect checks what is expected.
func (c checker) expect(x *Expectations) {
	if len(x.Verdicts)+len(x.Situations)+len(x.Plans) == 0 {
		c.report("verdicts", "nothing is expected: want verdicts, situations or plans; count: 0 says that there are none")
	}
	for i := range x.Verdicts {
		v, c := &x.Verdicts[i], c.at("verdicts[%d]", i)
		v.count, v.anomaly = c.amount("count", v.Count), c.amount("anomaly", v.Anomaly)
		if v.Disposition == layers.DispositionEscalated {
			c.report("disposition", "escalated is never final: a verdict is suppressed, resolved, folded or dead")
		}
		switch v.Situation.(type) {
		case nil, bool, string:
		default:
			c.report("situation", "want true, false, or text that the situation's title or key holds")
		}
		c.yesOrNo("plan", v.Plan)
	}
	for i := range x.Situations {
		s, c := &x.Situations[i], c.at("situations[%d]", i)
		s.count, s.members = c.amount("count", s.Count), c.amount("members", s.Members)
		for j, event := range s.Events {
			if !slices.Contains([]layers.SituationEvent{layers.SituationOpened, layers.SituationUpdated, layers.SituationClosed}, event) {
				c.report(fmt.Sprintf("events[%d]", j), "%q is no event: want opened, updated or closed", event)
			}
		}
		c.yesOrNo("open", s.Open)
	}
	for i := range x.Plans {
		p, c := &x.Plans[i], c.at("plans[%d]", i)
		p.count = c.amount("count", p.Count)
	}
}

func (c checker) amount(key string, value any) amount {
	a, err := parseAmount(value)
	if err != nil {
		c.report(key, "%s", err)
	}
	return a
}

func (c checker) yesOrNo(key string, value any) {
	if _, ok := value.(bool); value != nil && !ok {
		c.report(key, "want true or false")
	}
}
