// Package tuning is HAL9's feedback: what people say about situations and signals is kept, each author's word on each
// thing once; what follows from it is proposed as the next version of a layer's tuning, in bounded steps; and versions are
// applied and taken back, by a person and never by themselves. Until it is applied a proposal stands in the shadow: layers say on
// verdicts what it would change.
package tuning

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/2lab-ai/hal9/layers"
)

// Opinion is what somebody says about a situation or a signal.
type Opinion string

// Opinions.
const (
	OpinionUseful Opinion = "useful" // of a situation: somebody had to know
	OpinionNoise  Opinion = "noise"  // of a situation: nobody had to know
	OpinionMissed Opinion = "missed" // of a signal: somebody had to know, and was not told
	OpinionIs     Opinion = "is"     // of a signal: it is what the label says
	OpinionIsNot  Opinion = "is-not" // of a signal: it is not what the label says
)

// Bounds of what people say.
const (
	maxNote     = 1000 // bytes
	maxAuthor   = 100
	maxLabel    = 64
	maxFeatures = 64 // of one signal
)

// Feedback is what one author says about one situation or signal.
type Feedback struct {
	ID       string    `json:"id"` // of the situation, or of the signal
	Source   string    `json:"source,omitempty"`
	Key      string    `json:"key"`
	Opinion  Opinion   `json:"opinion"`
	Label    string    `json:"label,omitempty"`    // of OpinionIs and OpinionIsNot
	Features []string  `json:"features,omitempty"` // of the signal, for neurons: see Features
	Author   string    `json:"author"`
	Note     string    `json:"note,omitempty"`
	At       time.Time `json:"at"`
}

// Validate reports everything that is wrong, joined.
func (f *Feedback) Validate() error {
	var problems []error
	fail := func(format string, args ...any) { problems = append(problems, fmt.Errorf("tuning: "+format, args...)) }
	if f.ID == "" || f.Key == "" || f.At.IsZero() {
		fail("an opinion without id, key or time")
	}
	if f.Author == "" || len(f.Author) > maxAuthor || strings.ContainsFunc(f.Author, unicode.IsControl) {
		fail("author %q: want 1 to %d bytes in one line", f.Author, maxAuthor)
	}
	if len(f.Note) > maxNote {
		fail("the note has %d bytes: want at most %d", len(f.Note), maxNote)
	}
	switch f.Opinion {
	case OpinionUseful, OpinionNoise, OpinionMissed:
	case OpinionIs, OpinionIsNot:
		if f.Label == "" || len(f.Label) > maxLabel || strings.ContainsFunc(f.Label, unicode.IsControl) {
			fail("label %q: want 1 to %d bytes in one line", f.Label, maxLabel)
		}
		if len(f.Features) == 0 {
			fail("signal %s has no words, severity or type to learn from", f.ID)
		}
	default:
		fail("opinion %q: want useful, noise, missed, is or is-not", f.Opinion)
	}
	return errors.Join(problems...)
}

// Features returns what neurons can learn from a verdict: the words of its template or, where it has none, of the reason
// that it was flagged for, and its severity.
func Features(v *layers.Verdict) []string {
	var list []string
	for token := range strings.FieldsSeq(v.Template) {
		if !strings.Contains(token, "<*>") {
			list = appendWords(list, token)
		}
	}
	if severity := v.Severity.String(); severity != "" {
		list = append(list, "severity:"+severity)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(maxFeatures, len(list))]
}

// appendWords appends words as L2 reads them: runs of letters, and of digits behind a letter, in lower case.
func appendWords(list []string, text string) []string {
	var word strings.Builder
	end := func() {
		if n := word.Len(); n > 0 && n <= 64 {
			list = append(list, word.String())
		}
		word.Reset()
	}
	for _, r := range text {
		switch {
		case unicode.IsLetter(r):
			word.WriteRune(unicode.ToLower(r))
		case unicode.IsDigit(r) && word.Len() > 0:
			word.WriteRune(r)
		default:
			end()
		}
	}
	end()
	return list
}

// inOrder sorts feedback, so that what follows from it does not depend on the order of reading.
func inOrder(all []Feedback) []Feedback {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b Feedback) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Author, b.Author))
	})
	return sorted
}
