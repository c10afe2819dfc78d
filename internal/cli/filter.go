package cli

import (
	"fmt"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

// Filter says which results are shown; what is empty lets everything through.
type Filter struct {
	Kinds        []Kind
	Layers       []layers.Name        // verdicts only
	Dispositions []layers.Disposition // verdicts only
	Sources      []string             // verdicts only
	Keys         []string
	Severity     layers.Severity // at least
}

// FinalDispositions lists the dispositions that verdicts have.
func FinalDispositions() []layers.Disposition {
	return slices.DeleteFunc(layers.Dispositions(), func(d layers.Disposition) bool { return d == layers.DispositionEscalated })
}

// ParseDisposition reads the disposition of a verdict.
func ParseDisposition(text string) (layers.Disposition, error) {
	var d layers.Disposition
	if err := d.UnmarshalText([]byte(text)); err != nil || d == layers.DispositionEscalated {
		return 0, fmt.Errorf("cli: %q is no disposition of a verdict: want suppressed, resolved, folded or dead", text)
	}
	return d, nil
}

// kinds returns what is shown. What only verdicts have leaves out the rest, unless that is
// asked for.
func (f *Filter) kinds() []Kind {
	switch {
	case len(f.Kinds) > 0:
		return f.Kinds
	case len(f.Layers) > 0 || len(f.Dispositions) > 0 || len(f.Sources) > 0:
		return []Kind{KindVerdicts}
	default:
		return Kinds()
	}
}

// subjects returns what the server is asked for.
func (f *Filter) subjects(kind Kind) []string {
	if kind != KindVerdicts || len(f.Layers)+len(f.Dispositions) == 0 {
		return []string{kind.subject() + ".>"}
	}
	names, words := []string{"*"}, []string{"*"}
	if len(f.Layers) > 0 {
		names = texts(f.Layers)
	}
	if len(f.Dispositions) > 0 {
		words = texts(f.Dispositions)
	}
	var subjects []string
	for _, name := range names {
		for _, word := range words {
			subjects = append(subjects, kind.subject()+"."+name+"."+word)
		}
	}
	return subjects
}

func texts[T interface {
	comparable
	String() string
}](values []T) []string {
	var list []string
	for _, value := range values {
		if text := value.String(); !slices.Contains(list, text) { // NATS refuses subjects that overlap.
			list = append(list, text)
		}
	}
	return list
}

func (f *Filter) accepts(r *result) bool {
	if r.kind == KindVerdicts && !has(f.Sources, r.verdict.Source) {
		return false
	}
	return has(f.Keys, r.key()) && r.severity() >= f.Severity
}

func has(wanted []string, text string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, text)
}

// counted returns the kind that counts: verdicts where they are shown, "" for all.
func (f *Filter) counted() Kind {
	if slices.Contains(f.kinds(), KindVerdicts) {
		return KindVerdicts
	}
	return ""
}
