package ingest

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// header is what ingest reads of a message's or request's headers.
type header struct {
	messageID   string // Nats-Msg-Id
	contentType string
	trace       string // a valid traceparent, or empty
	again       redrive
	attributes  []attribute // CloudEvents attributes, in the order of their names
}

// attribute is one CloudEvents attribute or extension.
type attribute struct {
	name string // without "ce-", in lower case
	text string
}

const attributePrefix = "ce-"

// readHeader looks at the first value of each header, whatever the case of its name. The
// names are taken in order, so that two spellings of one name always give the same result.
func readHeader(all map[string][]string) (h header) {
	if len(all) == 0 {
		return h
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		values := all[name]
		if len(values) == 0 {
			continue
		}
		switch lower := strings.ToLower(name); {
		case lower == "nats-msg-id" && h.messageID == "":
			h.messageID = usableID(values[0])
		case lower == "content-type" && h.contentType == "":
			h.contentType = values[0]
		case lower == "traceparent" && h.trace == "":
			if ValidTraceParent(values[0]) {
				h.trace = values[0]
			}
		case strings.HasPrefix(lower, redrivePrefix):
			h.again.read(lower, values[0])
		case strings.HasPrefix(lower, attributePrefix) && len(lower) > len(attributePrefix):
			h.addAttribute(lower[len(attributePrefix):], values[0])
		}
	}
	return h
}

func (h *header) addAttribute(name, text string) {
	if n := len(h.attributes); n > 0 && h.attributes[n-1].name == name {
		return
	}
	h.attributes = append(h.attributes, attribute{name: name, text: headerText(text)})
}

// isCloudEvent reports whether the headers carry a CloudEvent in binary mode: any of the
// required attributes will do, so that one that is missing is an error and not a surprise.
func (h *header) isCloudEvent() bool {
	return slices.ContainsFunc(h.attributes, func(a attribute) bool {
		return a.name == "specversion" || a.name == "id" || a.name == "source" || a.name == "type"
	})
}

// usableID returns a message id that can be a signal's id, and "" for others.
func usableID(id string) string {
	if checkName("", id, maxIDBytes) != nil {
		return ""
	}
	return id
}

// headerText undoes what CloudEvents' protocol bindings do to header values: quotes around
// the whole, then percent-encoding. A "%" that is followed by no two hexadecimal digits
// stands for itself.
func headerText(text string) string {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(text[1 : len(text)-1])
	}
	if !strings.Contains(text, "%") {
		return text
	}
	decoded := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
			decoded = append(decoded, hexDigit(text[i+1])<<4|hexDigit(text[i+2]))
			i += 2
			continue
		}
		decoded = append(decoded, text[i])
	}
	return string(decoded)
}

func hexDigit(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}

// check verifies that all attributes are text.
func (h *header) check() error {
	for _, a := range h.attributes {
		if !utf8.ValidString(a.text) || !utf8.ValidString(a.name) {
			return &fieldError{field: attributePrefix + strings.ToValidUTF8(a.name, "?"), problem: "is no valid UTF-8"}
		}
	}
	return nil
}
