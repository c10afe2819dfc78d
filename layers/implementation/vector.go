package implementation

import (
	"slices"
	"strings"
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

// maxVectorFeatures bounds the features of one signal.
const maxVectorFeatures = 256

// Vector says what is there in a signal: which words, severity, type, source, labels and numbers. Each feature has a dimension
// given by its hash (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009), without the signs of
// that paper: all values are at least 0, so that features that share a dimension can only add to it.
type Vector struct {
	values   [Features]float32 // how many features of the signal have the dimension
	used     []uint8           // dimensions that are not 0
	features []uint64          // hashes, each once
	buffer   []byte
}

// Read fills the vector from a signal and the line that was read of its text.
func (v *Vector) Read(e *layers.Envelope, text string) {
	for _, d := range v.used {
		v.values[d] = 0
	}
	v.used, v.features = v.used[:0], v.features[:0]
	v.words(text)
	v.named(prefixSeverity, e.Severity.String())
	v.named(prefixType, e.Type)
	v.named(prefixSource, e.Source)
	for name, value := range e.Labels {
		v.named(prefixLabel, name+"="+value)
	}
	for name := range e.Findings.Features {
		v.named(prefixNumber, name)
	}
	// Maps have no order, and the bound must not depend on one.
	slices.Sort(v.features)
	v.features = slices.Compact(v.features)
	v.features = v.features[:min(len(v.features), maxVectorFeatures)]
	for _, feature := range v.features {
		d := dimension(feature)
		if v.values[d] == 0 {
			v.used = append(v.used, d)
		}
		v.values[d]++
	}
}

// words adds the words of a text in lower case: runs of letters, with digits where a letter begins them.
func (v *Vector) words(text string) {
	v.buffer = v.buffer[:0]
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'A' && c <= 'Z':
			v.buffer = append(v.buffer, c+'a'-'A')
		case c >= 'a' && c <= 'z', c >= utf8.RuneSelf, isDigit(c) && len(v.buffer) > 0:
			v.buffer = append(v.buffer, c)
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
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < utf8.RuneSelf && !isWordByte(r) }) || isDigit(name[0]) {
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

func isWordByte(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }
