package implementation

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// Features is the number of dimensions of a signal's vector.
const Features = 128

// What the names of features that are no words of the text begin with.
const (
	prefixSeverity = "severity:"
	prefixType     = "type:"
	prefixSource   = "source:"
	prefixLabel    = "label:"
	prefixNumber   = "number:"
)

// vectorText bounds the text whose words count, bytes. With what ingest allows of labels a signal then has some 2,200 features at most.
const vectorText = 4 << 10

// Vector says what is there in a signal: which words, severity, type, source, labels and numbers. Each feature has a dimension
// given by its hash (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009), without the signs of
// that paper: all values are at least 0, so that features that share a dimension can only add to it.
type Vector struct {
	values   [Features]float32 // how many features of the signal have the dimension
	used     []uint8           // dimensions that are not 0
	features []uint64          // hashes, each once
	buffer   []byte
}

// Read fills the vector from a signal and what has been found out about it.
func (v *Vector) Read(e *layers.Envelope) {
	for _, d := range v.used {
		v.values[d] = 0
	}
	v.used, v.features = v.used[:0], v.features[:0]
	v.words(e.Text[:min(len(e.Text), vectorText)])
	v.named(prefixSeverity, e.Severity.String())
	v.named(prefixType, e.Type)
	v.named(prefixSource, e.Source)
	for name, value := range e.Labels {
		v.buffer = append(append(append(append(v.buffer[:0], prefixLabel...), name...), '='), value...)
		v.add(v.buffer)
	}
	for name := range e.Findings.Features {
		v.named(prefixNumber, name)
	}
	slices.Sort(v.features) // Maps have no order, and sums of floats must have one.
	v.features = slices.Compact(v.features)
	for _, feature := range v.features {
		d := dimension(feature)
		if v.values[d] == 0 {
			v.used = append(v.used, d)
		}
		v.values[d]++
	}
}

// words adds the words of a text in lower case: runs of letters, and of digits behind a letter.
func (v *Vector) words(text string) {
	v.buffer = v.buffer[:0]
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z':
			v.buffer = append(v.buffer, byte(r))
		case unicode.IsLetter(r):
			v.buffer = utf8.AppendRune(v.buffer, unicode.ToLower(r))
		case unicode.IsDigit(r) && len(v.buffer) > 0:
			v.buffer = utf8.AppendRune(v.buffer, r)
		default:
			v.add(v.buffer)
			v.buffer = v.buffer[:0]
		}
	}
	v.add(v.buffer)
}

func (v *Vector) named(prefix, name string) {
	if name != "" {
		v.buffer = append(append(v.buffer[:0], prefix...), name...)
		v.add(v.buffer)
	}
}

func (v *Vector) add(feature []byte) {
	if len(feature) > 0 {
		v.features = append(v.features, hashBytes(feature))
	}
}

// Dimension returns which one a feature has, by its name: 0 to Features-1.
func Dimension(name string) int { return int(dimension(hashBytes([]byte(name)))) }

func dimension(feature uint64) uint8 { return uint8(feature % Features) }

// featureProblem says what is wrong with the name of a feature in the configuration; empty where nothing is.
func featureProblem(name string) string {
	prefix, rest, isNamed := strings.Cut(name, ":")
	switch prefix += ":"; {
	case !isNamed:
		var v Vector
		if v.words(name); len(v.features) != 1 || v.features[0] != hashBytes([]byte(name)) {
			return "want one word of lower-case letters and digits that begins with a letter"
		}
		return ""
	case prefix == prefixSeverity:
		if s, err := layers.ParseSeverity(rest); err != nil || s.String() != rest {
			return "want severity:debug, info, warning, error or critical"
		}
		return ""
	case prefix == prefixLabel:
		if key, value, ok := strings.Cut(rest, "="); !ok || key == "" || value == "" {
			return "want label:name=value"
		}
		return ""
	case prefix == prefixType, prefix == prefixSource, prefix == prefixNumber:
		if rest == "" {
			return "want a name behind the colon"
		}
		return ""
	default:
		return "known kinds are a word, severity:, type:, source:, label:name=value and number:"
	}
}
