// Package trial runs the unit tests of a configuration: signals in, on a virtual clock, and what is expected of
// verdicts, situations and plans. It owns the format of test files, docs/testing.md, and
// promises that a test gives the same result wherever and whenever it runs, and that a failure says what was expected,
// what came instead, and in which line of the file that stands.
package trial

import (
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// File is a file of tests.
type File struct {
	Tests []Test `yaml:"tests"`
}

// Test is one test: what comes in, and what is expected of it.
type Test struct {
	Name    string       `yaml:"name"`    // unique in the file
	Start   any          `yaml:"start"`   // what the clock shows first, RFC 3339; default 2026-01-01T00:00:00Z
	Signals []Signal     `yaml:"signals"` // in any order; they come in the order of their times
	Advance string       `yaml:"advance"` // how long nothing comes after the last signal; default 0s
	Expect  Expectations `yaml:"expect"`

	start   time.Time
	advance time.Duration
}

// Signal is one entry of a test's signals: one signal, or several alike.
type Signal struct {
	At       any               `yaml:"at"`     // when it comes: a duration after start, or a time; default when the one before comes last
	Repeat   int               `yaml:"repeat"` // how often; default once, or as many values as there are
	Every    string            `yaml:"every"`  // time between two repetitions; default 0s
	Values   []any             `yaml:"values"` // the values of the repetitions, from the front again when there are no more
	Source   string            `yaml:"source"` // default "test"
	Body     any               `yaml:"body"`   // what the sender writes: text, or an object that is sent as JSON; instead of all that follows
	ID       string            `yaml:"id"`     // default s1 for the first entry of the test; repetitions get -1, -2, ... unless it holds {n}
	Type     string            `yaml:"type"`
	Key      string            `yaml:"key"`  // default as the configuration's sources say, else the source
	Time     any               `yaml:"time"` // event time as in at; default when it comes
	Text     string            `yaml:"text"`
	Value    any               `yaml:"value"`
	Data     any               `yaml:"data"`
	Labels   map[string]string `yaml:"labels"`
	Severity layers.Severity   `yaml:"severity"`

	at    time.Time
	every time.Duration
	lag   time.Duration // event time is so far behind when it comes
}

// Expectations are what is expected of a test's results.
type Expectations struct {
	Verdicts   []Verdict   `yaml:"verdicts"`
	Situations []Situation `yaml:"situations"`
	Plans      []Plan      `yaml:"plans"`
}

// Verdict is expected of the verdicts that id, source and key select.
type Verdict struct {
	ID     string `yaml:"id"`     // * stands for any text
	Source string `yaml:"source"` // * stands for any text
	Key    string `yaml:"key"`    // * stands for any text
	Count  any    `yaml:"count"`  // how many of them there are that are as follows; default all of them, and at least one

	Layer       layers.Name        `yaml:"layer"`
	Disposition layers.Disposition `yaml:"disposition"`
	Rule        string             `yaml:"rule"`
	Reason      string             `yaml:"reason"`    // the reason holds this text
	Template    string             `yaml:"template"`  // the template holds this text
	Classes     []string           `yaml:"classes"`   // are among its classes
	Situation   any                `yaml:"situation"` // true or false: whether it belongs to one; or a text that the situation's title or key holds
	Anomaly     any                `yaml:"anomaly"`   // a number, or a range such as ">= 0.9"
	Plan        any                `yaml:"plan"`      // true or false: whether there is a plan

	count, anomaly amount
}

// Situation is expected of the situations, as they stand at the end, that key and title select.
type Situation struct {
	Key   string `yaml:"key"`   // * stands for any text
	Title string `yaml:"title"` // the title holds this text
	Count any    `yaml:"count"`

	Severity layers.Severity         `yaml:"severity"`
	Entities []string                `yaml:"entities"` // are among its entities
	Cause    string                  `yaml:"cause"`    // is the first of its entities
	Members  any                     `yaml:"members"`  // a number, or a range such as ">= 3" or "2..5"
	IDs      []string                `yaml:"ids"`      // signals that are among its members; * stands for any text
	Events   []layers.SituationEvent `yaml:"events"`   // in this order, others between them
	Open     any                     `yaml:"open"`     // true or false: whether it is open at the end

	count, members amount
}

// Plan is expected of the plans that playbook and key select.
type Plan struct {
	Playbook string `yaml:"playbook"` // * stands for any text
	Key      string `yaml:"key"`      // * stands for any text
	Count    any    `yaml:"count"`

	Title    string          `yaml:"title"` // the title holds this text
	Severity layers.Severity `yaml:"severity"`
	Steps    []string        `yaml:"steps"`   // each of them is held by a step
	Actions  []string        `yaml:"actions"` // each of them is held by the webhook, subject or note of an action
	Reasons  []string        `yaml:"reasons"` // each of them is held by a reason

	count amount
}
