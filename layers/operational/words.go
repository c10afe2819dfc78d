package operational

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	reasonMax = 380 // bytes of a reason or title
	nameMax   = 128 // bytes of a name that is kept as it is
)

// grain is the smallest difference that matters between values of this size: half a percent.
func grain(value float64) float64 { return max(math.Abs(value)*0.005, 1e-9) }

// number writes a value as people read it: whole, or with four significant digits.
func number(x float64) string {
	size := math.Abs(x)
	switch {
	case size < 1e-9: // see grain
		return "0"
	case size < 1e9 && x == math.Trunc(x):
		return strconv.FormatInt(int64(x), 10)
	case size >= 1e-3 && size < 1e9:
		return strconv.FormatFloat(x, 'f', max(0, 3-int(math.Floor(math.Log10(size)))), 64)
	default:
		return strconv.FormatFloat(x, 'g', 4, 64)
	}
}

// counted writes a number of things: "1 sample", "2 samples".
func counted(n float64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return number(n) + " " + thing
}

// between writes a range, as one number where its ends read the same.
func between(low, high float64) string {
	a, b := number(low), number(high)
	if a == b {
		return a
	}
	return a + ".." + b
}

// span writes a duration without its zeros: "1m", "10m", "1h30m".
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// plain makes one readable line of a sender's text, of at most limit bytes.
func plain(text string, limit int) string {
	if len(text) <= limit && isPlain(text) {
		return text
	}
	if len(text) > 4*limit { // what follows cannot be shown anyway
		text = text[:4*limit]
	}
	text = strings.ToValidUTF8(text, "?")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= limit {
		return text
	}
	end := limit - len("…")
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.TrimSpace(text[:end]) + "…"
}

// isPlain reports whether text is printable ASCII without space around it.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return text == "" || text[0] != ' ' && text[len(text)-1] != ' '
}

// short returns a name as it is kept in memory: a long one is cut, and told apart from others
// with the same beginning by a hash of the whole.
func short(name string) string {
	if len(name) <= nameMax {
		return name
	}
	const keep = nameMax - 1 - 32
	sum := sha256.Sum256([]byte(name))
	return name[:keep] + "#" + hex.EncodeToString(sum[:16])
}
