package implementation

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// generalises is how many of a template's words must stay for each that turns out to be
// variable: one in four may become a hole. Over eight Loghub sources, mean grouping accuracy is
// .955 with a quarter and .94 or more from a half to a sixth.
const generalises = 4

// template is what lines of one source have in common.
type template struct {
	id     string
	text   string
	tokens []string
	hashes []uint64 // of the tokens
	kinds  []kind
	consts int // words of the first line, holes not counted
	wild   int // of these, how many became holes
	seen   uint64
	born   uint64           // position in the order of creation within the source
	used   uint64           // position in the order of use
	place  entry[*template] // in miner.order
}

// newTemplate makes a template of its first line. A structured one has no words that could
// turn out to be variable.
func newTemplate(source string, l *line, structured bool) *template {
	t := &template{}
	t.place.value = t
	for i := range l.tokens {
		word := l.word(i)
		t.tokens = append(t.tokens, word)
		t.hashes = append(t.hashes, l.tokens[i].hash)
		t.kinds = append(t.kinds, l.kind(i))
		if word != hole && !structured {
			t.consts++
		}
	}
	t.text = strings.Join(t.tokens, " ")
	t.id = templateID(source, t.text)
	return t
}

// templateID depends on source and first line only: the id stays when the template becomes
// more general, and comes back when a forgotten template returns.
func templateID(source, first string) string {
	text := append(binary.AppendUvarint(nil, uint64(len(source))), source+first...)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// open makes a hole of the i-th token.
func (t *template) open(i int) {
	t.tokens[i], t.hashes[i], t.kinds[i] = hole, holeHash, kindName
	t.text = strings.Join(t.tokens, " ")
	t.wild++
}

// isExact says whether the template stands for one masked line only.
func (t *template) isExact() bool { return t.wild == 0 }

// compare says how the line, which has as many tokens, differs: in how many words it would
// have to become more general (at most limit), and how many words are the same.
func (t *template) compare(l *line, limit int) (differ, same int, ok bool) {
	limit = min(limit, t.consts/generalises-t.wild)
	for i, hash := range t.hashes {
		switch {
		case hash == l.tokens[i].hash:
			if hash != holeHash {
				same++
			}
		case hash == holeHash:
			if l.kind(i) == kindState {
				return 0, 0, false
			}
		case i == 0 || differ == limit || t.kinds[i] != kindName || l.kind(i) != kindName:
			return 0, 0, false
		default:
			differ++
		}
	}
	return differ, same, true
}

// fanPlaces are the places that compare may not make variable, unless many templates differ
// there: the first word, and all words where they are too few.
func (t *template) fanPlaces() []int {
	var places []int
	for i, hash := range t.hashes {
		if hash != holeHash && (i == 0 || t.consts < generalises) && t.consts > 1 {
			places = append(places, i)
		}
	}
	return places
}
