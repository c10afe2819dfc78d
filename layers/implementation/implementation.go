// Package implementation is L2: it asks what a signal is. It mines log templates per source
// from the stream of texts, keeps what stood at a template's variable places, and finds the
// numbers in value, data and text. A bank of neurons says which classes it belongs to. It answers what is routine: a text whose template is known,
// without a value and without severity. Everything else is for the layers above to judge.
package implementation

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/2lab-ai/hal9/layers"
)

var (
	_ layers.Layer  = (*Layer)(nil)
	_ layers.Keeper = (*Layer)(nil)
)

// Layer is L2. Use New.
type Layer struct {
	library  *library
	senders  *senders
	pulse    *pulse
	watched  []layers.Condition[layers.Signal]
	entities entityReader
	line     line
	vector   Vector
	bank     *Bank // nil where there are no neurons
	neurons  []Neuron
	tunings  layers.Tunings
	shadow   *Bank // of the tuning that is only shown; nil where there is none
}

// New returns a layer for a valid cfg.
func New(cfg Config) (*Layer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := &Layer{
		library: newLibrary(cfg), senders: newSenders(), pulse: &pulse{}, watched: cfg.Watched, entities: newEntityReader(), line: line{words: stateWords()},
	}
	l.neurons = cfg.Neurons
	l.bank = l.bankOf(nil)
	return l, nil
}

// Decide writes template, parameters and features into e.Findings and resolves what is routine.
// It never fails: what it cannot make sense of is escalated.
func (l *Layer) Decide(_ context.Context, e *layers.Envelope) (layers.Decision, error) {
	var only *entityReader
	if e.Key != e.Source { // What it is about is known: there is nothing to learn from the other texts.
		only = &l.entities
	}
	fields := readFields(e.Data, only)
	hasText := l.line.read(e.Text)
	structured := !hasText && len(fields.names) > 0 && l.line.readShape(e.Type, fields.names)
	var found *template
	if hasText || structured {
		var fresh bool
		found, fresh = l.library.find(e.Source, &l.line, structured)
		e.Findings.TemplateID, e.Findings.Template = found.id, found.text
		e.Findings.NewTemplate = fresh
		if hasText {
			e.Findings.Parameters = l.line.parameters(found)
		}
	}
	e.Findings.Features = features(e, fields, &l.line, hasText)
	l.findEntities(e, &fields, hasText)
	l.classify(e)
	d := judge(e, found, hasText)
	if d.Disposition != layers.DispositionResolved {
		return d, nil
	}
	if slices.ContainsFunc(l.watched, func(holds layers.Condition[layers.Signal]) bool { return holds(&e.Signal) }) {
		return escalate(d.Reason + "; a pattern asks for it"), nil
	}
	if perMinute, ok := l.pulse.beats(e.Source, cmp.Or(e.Findings.Key, e.Key), e.Time); ok {
		e.Findings.Pulse = true
		e.Findings.Features = map[string]float64{layers.FeatureRoutine: perMinute}
		return escalate(d.Reason + "; the first of its key in this minute shows that the key is alive"), nil
	}
	return d, nil
}

// findEntities notes whom the signal names in its data and its text, and which of them it is about, where its sender does not
// say and its source stands for the key: the one that the data has under a known name, else in the field that tells this
// sender's entities apart. A text of pairs counts as data; what another text names may be anybody.
func (l *Layer) findEntities(e *layers.Envelope, f *fields, hasText bool) {
	var pairs []fieldText
	if hasText {
		var mostly bool
		if pairs, mostly = l.line.pairs(); mostly {
			f.texts, pairs = append(f.texts, pairs...), nil
		}
	}
	var found entities
	found.add(&l.entities, f.texts)
	if e.Key == e.Source {
		if e.Findings.Key = found.key(); e.Findings.Key == "" {
			e.Findings.Key = l.senders.key(sourceName(e.Source), f.texts)
		}
	}
	found.add(&l.entities, pairs)
	if metric := l.entities.kinds["metric"]; found.weak[metric] && !e.HasValue {
		found.drop(metric)
	}
	e.Findings.Mentions = found.mentions()
}

// judge answers by the findings.
func judge(e *layers.Envelope, t *template, hasText bool) layers.Decision {
	switch {
	case len(e.Findings.Classes) > 0:
		return escalate("it looks like " + e.Findings.Classes[0].Label)
	case e.HasValue:
		return escalate("carries a value: whether it is normal is for its baseline to say")
	case !hasText:
		return escalate("has no text to judge by")
	case e.Findings.NewTemplate:
		return escalate("first of its template #" + t.id)
	case e.Severity >= layers.SeverityWarning:
		return escalate("template #" + t.id + " seen " + times(t) + ", but of severity " + severity(e))
	}
	return layers.Decision{
		Disposition: layers.DispositionResolved,
		Reason:      "routine: template #" + t.id + " seen " + times(t) + ", severity " + severity(e) + ", no value measured",
	}
}

func times(t *template) string { return strconv.FormatUint(t.seen, 10) + " times" }

func severity(e *layers.Envelope) string { return cmp.Or(e.Severity.String(), "unset") }

func escalate(reason string) layers.Decision {
	return layers.Decision{Disposition: layers.DispositionEscalated, Reason: reason}
}
