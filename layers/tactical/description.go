package tactical

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// What a description keeps at most, so that the memory's size has a bound.
const (
	maxWords     = 24
	maxWordBytes = 32
	maxEntities  = 5
	maxNameBytes = 128
)

// description is what the memory compares of a situation: what happened (the words of title
// and log template, without numbers and without the names of those concerned), to whom, and
// how bad.
type description struct {
	Words    []string        `json:"words"` // sorted, distinct
	Key      string          `json:"key"`
	Severity layers.Severity `json:"severity"`
	Entities []string        `json:"entities"` // most likely cause first
}

// describe makes the description of s; template is the log template of the signal that
// brought it, or empty.
func describe(s *layers.Situation, template string) description {
	d := description{Key: clip(s.Key, maxNameBytes), Severity: min(s.Severity, layers.SeverityCritical)}
	for _, entity := range s.Entities[:min(len(s.Entities), maxEntities)] {
		d.Entities = append(d.Entities, clip(entity.Name, maxNameBytes))
	}
	if len(d.Entities) == 0 {
		d.Entities = []string{d.Key}
	}
	d.Words = d.wordsOf(s.Title + " " + template)
	return d
}

// wordsOf returns the distinct words of text without the names of key and entities, which
// are compared on their own, and without those that say how a number is unusual; where nothing else is left, they stay.
func (d *description) wordsOf(text string) []string {
	names := tokens(d.Key)
	for _, entity := range d.Entities {
		names = append(names, tokens(entity)...)
	}
	var words, spare []string
	for _, token := range tokens(text) {
		switch {
		case len(token) < 2 || slices.Contains(words, token):
		case slices.Contains(names, token) || saysHow(token):
			spare = append(spare, token)
		default:
			words = append(words, token)
		}
		if len(words) == maxWords {
			break
		}
	}
	if len(words) == 0 {
		words = spare[:min(len(spare), maxWords)]
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// howWords are those with which L3 says in which way a number is unusual: what of one trouble is noticed first differs from time to time.
const howWords = " value jumped fell from to one sample samples the next it usually changes by at most is far above below its usual median mean" +
	" this hour of day away has recent where was before two are apart became become restless calm on average and more within near unusually" +
	" part deviation reported ago that and "

// saysHow reports whether a token is one of them.
func saysHow(token string) bool { return strings.Contains(howWords, " "+token+" ") }

// tokens splits text into lower-case words. What follows a digit in a word is an identity
// rather than a kind, so it becomes "#": "db-17" is "db", "#" and "pod7f9c" is "pod#".
func tokens(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	for i, word := range words {
		if digit := strings.IndexFunc(word, unicode.IsDigit); digit >= 0 {
			word = word[:digit] + "#"
		}
		words[i] = clip(word, maxWordBytes)
	}
	return words
}

// class returns what a name has in common with its siblings: "db-17" and "db-3" are both
// "db-#".
func class(name string) string { return strings.Join(tokens(name), "-") }

// clip cuts text to at most limit bytes of valid UTF-8, so that it survives a snapshot as it is.
func clip(text string, limit int) string {
	if len(text) > limit {
		for limit > 0 && !utf8.RuneStart(text[limit]) {
			limit--
		}
		text = text[:limit]
	}
	return strings.ToValidUTF8(text, "?")
}

// messageOf returns the log template of the signal, or "" where one of its numbers was unusual and it has no text: then the template names all
// members of its data, unusual or not, and the title the one that was.
func messageOf(e *layers.Envelope) string {
	evidence := e.Findings.Evidence
	if e.Text == "" && evidence != nil && evidence.Baseline != nil && evidence.Baseline.Worth > 0 {
		return ""
	}
	return e.Findings.Template
}
