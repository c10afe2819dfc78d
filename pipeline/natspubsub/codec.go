package natspubsub

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Headers that carry what has no place of its own in a NATS message.
const (
	HeaderUUID     = "Watermill-Message-Uuid" // Message.UUID
	HeaderMetadata = "Watermill-Metadata"     // metadata that cannot be headers, form-encoded
)

// Codec turns Watermill messages into NATS messages and back. An error of Decode makes
// the message undecodable (see SubscriberConfig.OnUndecodable). Where Decode leaves the
// UUID empty, the subscriber fills in "<stream>:<sequence>".
type Codec interface {
	Encode(subject string, msg *message.Message) (*nats.Msg, error)
	Decode(header nats.Header, data []byte) (*message.Message, error)
}

// HeaderCodec is the default Codec. The payload stays as it is; metadata become headers of
// the same name. What a header would alter or the server would obey (control characters,
// spaces at the ends, names such as Nats-Rollup) travels form-encoded in HeaderMetadata
// and comes out unchanged. A header with several values becomes the metadata X, X[1],
// X[2] and so on, and the other way round.
type HeaderCodec struct{}

// Encode implements Codec. It fails only on a UUID that no header can carry.
func (HeaderCodec) Encode(subject string, msg *message.Message) (*nats.Msg, error) {
	header := make(nats.Header, len(msg.Metadata)+2)
	if !plainValue(msg.UUID) {
		return nil, fmt.Errorf("natspubsub: message UUID %q: want no control characters and no spaces at the ends", msg.UUID)
	}
	if msg.UUID != "" {
		header.Set(HeaderUUID, msg.UUID)
	}
	var rest url.Values
	for key, value := range msg.Metadata {
		if base, index := splitIndex(key); index > 0 && index < len(plainValues(msg.Metadata, base)) {
			continue // goes out with its base
		}
		if values := plainValues(msg.Metadata, key); values != nil {
			header[key] = values
			continue
		}
		if rest == nil {
			rest = url.Values{}
		}
		rest.Set(key, value)
	}
	if rest != nil {
		header.Set(HeaderMetadata, rest.Encode())
	}
	return &nats.Msg{Subject: subject, Header: header, Data: msg.Payload}, nil
}

// Decode implements Codec. It fails only on a HeaderMetadata that is no form encoding.
func (HeaderCodec) Decode(header nats.Header, data []byte) (*message.Message, error) {
	uuid := header.Get(HeaderUUID)
	if uuid == "" {
		uuid = header.Get(jetstream.MsgIDHeader)
	}
	msg := message.NewMessage(uuid, data)
	for name, values := range header {
		if reserved(name) {
			continue
		}
		for i, value := range values {
			if i == 0 {
				msg.Metadata.Set(name, value)
			} else {
				msg.Metadata.Set(name+"["+strconv.Itoa(i)+"]", value)
			}
		}
	}
	for _, encoded := range header[HeaderMetadata] {
		rest, err := url.ParseQuery(encoded)
		if err != nil {
			return nil, fmt.Errorf("natspubsub: header %s: %w", HeaderMetadata, err)
		}
		for key := range rest {
			msg.Metadata.Set(key, rest.Get(key))
		}
	}
	return msg, nil
}

// plainValues returns the values of the header that carries metadata key, with those of
// key[1], key[2] and so on, or nil where no header can carry them all unchanged.
func plainValues(metadata message.Metadata, key string) []string {
	value, ok := metadata[key]
	if !ok || !plainName(key) || !plainValue(value) {
		return nil
	}
	values := []string{value}
	for {
		value, ok = metadata[key+"["+strconv.Itoa(len(values))+"]"]
		if !ok {
			return values
		}
		if !plainValue(value) {
			return nil
		}
		values = append(values, value)
	}
}

// splitIndex splits "X[2]" into X and 2; index is 0 for every other key.
func splitIndex(key string) (base string, index int) {
	base, digits, ok := strings.Cut(strings.TrimSuffix(key, "]"), "[")
	if !ok || !strings.HasSuffix(key, "]") {
		return key, 0
	}
	index, err := strconv.Atoi(digits)
	if err != nil || index < 1 || strconv.Itoa(index) != digits {
		return key, 0
	}
	return base, index
}

// reserved reports whether a header name means something to the server, to nats.go or to
// this package.
func reserved(name string) bool {
	const prefix = "nats-"
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) ||
		name == "Status" || name == "Description" || name == HeaderUUID || name == HeaderMetadata
}

// plainName reports whether a metadata key can be the name of a header: a token of RFC 9110.
func plainName(name string) bool {
	if name == "" || reserved(name) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		alphanumeric := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !alphanumeric && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return true
}

// plainValue reports whether a header carries the value unchanged: nats.go trims the ends
// and replaces line breaks.
func plainValue(value string) bool {
	if value == "" {
		return true
	}
	if value[0] == ' ' || value[len(value)-1] == ' ' {
		return false
	}
	for i := range len(value) {
		if value[i] < ' ' || value[i] == 0x7f {
			return false
		}
	}
	return true
}
