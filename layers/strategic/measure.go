package strategic

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// measure is an objective whose expressions can be asked about a T.
type measure[T any] struct {
	Objective
	total, good layers.Condition[T]
}

// judge says whether v counts, and whether it is good.
func (m *measure[T]) judge(v *T) (counts, good bool) {
	if !m.total(v) {
		return false, false
	}
	return true, m.good(v)
}

// compileObjectives compiles the expressions of the objectives that count a kind of thing, and reports every one that is
// wrong.
func compileObjectives[T any](objectives []Objective, from string, compile layers.Compiler[T]) ([]measure[T], error) {
	var problems []error
	var all []measure[T]
	for i, o := range objectives {
		if o.from() != from {
			continue
		}
		total, err := compile(o.Total)
		if err != nil {
			problems = append(problems, fmt.Errorf("strategic: objectives[%d].total of %q: %w", i, o.Name, err))
		}
		good, err := compile(o.Good)
		if err != nil {
			problems = append(problems, fmt.Errorf("strategic: objectives[%d].good of %q: %w", i, o.Name, err))
		}
		all = append(all, measure[T]{Objective: o, total: total, good: good})
	}
	return all, errors.Join(problems...)
}

// compileAll compiles what is configured, so that a mistake is found wherever the tracker runs.
func compileAll(cfg Config, x Expressions) error {
	if err := x.validate(); err != nil {
		return err
	}
	_, verdicts := compileObjectives(cfg.Objectives, FromVerdicts, x.Verdict)
	_, signals := compileObjectives(cfg.Objectives, FromSignals, x.Signal)
	_, situations := compileObjectives(cfg.Objectives, FromSituations, x.Situation)
	_, metrics := compileMetrics(cfg.Metrics, x)
	return errors.Join(verdicts, signals, situations, metrics)
}

// markOf names what a mark belongs to: what is counted under one definition must not count under another.
func markOf(kind, name string, definition ...string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.Join(definition, "\x00"))) // It never fails.
	return fmt.Sprintf("%s/%s/%08x", kind, name, h.Sum32())
}

func (o *Objective) mark() string { return markOf("slo", o.Name, o.Total, o.Good) }
