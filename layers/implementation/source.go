package implementation

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// maxSourceBytes bounds what is kept of a source's name.
const maxSourceBytes = 256

// sourceName is the name under which a source's templates are kept: its own, or one made from
// it where that is too long to keep or no text.
func sourceName(source string) string {
	if len(source) <= maxSourceBytes && utf8.ValidString(source) {
		return source
	}
	sum := sha256.Sum256([]byte(source))
	return strings.ToValidUTF8(clip(source, maxSourceBytes/2), "\uFFFD") + "#" + hex.EncodeToString(sum[:])
}
