package config

import (
	"fmt"
	"strings"
)

// Lint returns everything that is wrong or doubtful in the file at path, in the order of the
// file; the error says why the file could not be read. Warnings are only given where they
// are certainly right.
func Lint(path string) ([]Problem, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	file, d := parse(path, data)
	if len(d.problems) == 0 {
		d.warn(&file)
		sortProblems(d.problems)
	}
	return d.problems, nil
}

// warn reports what can never do anything.
func (d *decoder) warn(f *File) {
	rules := newSeen(d, "rules")
	for i, r := range f.Rules {
		rules.look(i, "when", "this rule never answers: %s has the same condition and comes first", r.When, "true")
	}
	sources := newSeen(d, "sources")
	for i, s := range f.Sources {
		sources.look(i, "match", "this rule is never used: %s fits the same sources and comes first", s.Match, "*")
	}
	sinks := newSeen(d, "sinks")
	for i, s := range f.Sinks {
		target := strings.Join([]string{s.On, s.When, s.Webhook, s.Subject}, "\x00")
		sinks.look(i, "name", "this sink gets everything twice: %s is the same", target, "")
	}
}

// seen remembers which item of a list was the first to say something, and which item takes
// everything.
type seen struct {
	decoder *decoder
	list    string
	first   map[string]string
	all     string // the item after which no later one gets anything
}

func newSeen(d *decoder, list string) *seen {
	return &seen{decoder: d, list: list, first: make(map[string]string)}
}

// look reports item i where an earlier one said the same, or said what takes everything.
func (s *seen) look(i int, field, format, says, everything string) {
	says = strings.TrimSpace(says)
	path := itemPath(s.list, i)
	earlier := s.first[says]
	if earlier == "" {
		earlier = s.all
	}
	if earlier != "" {
		n := s.decoder.nearestNode(path + "." + field)
		before := len(s.decoder.problems)
		s.decoder.report(n, path, "%s", fmt.Sprintf(format, fmt.Sprintf("%s in line %d", earlier, s.decoder.nearestNode(earlier).Line)))
		for j := before; j < len(s.decoder.problems); j++ {
			s.decoder.problems[j].Warning = true
		}
		return
	}
	s.first[says] = path
	if everything != "" && says == everything {
		s.all = path
	}
}
