package natspubsub

import (
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Unstored says what a Publisher does with a message on whose subject no stream listens.
type Unstored uint8

const (
	// UnstoredRefuse makes Publish fail.
	UnstoredRefuse Unstored = iota + 1
	// UnstoredSend makes Publish send the message as plain NATS and return when the server has
	// it: whoever is subscribed at that moment gets it.
	UnstoredSend
)

// PublisherConfig says where and how a Publisher stores messages.
type PublisherConfig struct {
	// Subject maps a topic to the subject to publish on; default: the topic itself.
	Subject func(topic string) string
	// MessageID returns the Nats-Msg-Id, by which the stream drops what it has seen within
	// its duplicate window; empty for none. Default MessageUUID. Ids hold per stream: where one
	// stream has many topics and the same message goes to several of them, use TopicUUID.
	MessageID func(topic string, msg *message.Message) string
	// Codec turns messages into NATS messages; default HeaderCodec.
	Codec Codec
	// MaxPending bounds the messages sent and not yet acknowledged, over all calls of Publish;
	// more wait. Default 4096.
	MaxPending int
	// AckTimeout bounds the wait for a message's acknowledgement, and for a free place among
	// MaxPending; default 5 s.
	AckTimeout time.Duration
	// Unstored says what happens where no stream listens; default UnstoredRefuse.
	Unstored Unstored
}

// MessageUUID makes the message's UUID its Nats-Msg-Id.
func MessageUUID(_ string, msg *message.Message) string { return msg.UUID }

// TopicUUID makes topic and UUID together the Nats-Msg-Id.
func TopicUUID(topic string, msg *message.Message) string {
	if msg.UUID == "" {
		return ""
	}
	return topic + "/" + msg.UUID
}

// NoMessageID switches Nats-Msg-Id off.
func NoMessageID(string, *message.Message) string { return "" }

// DefaultPublisherConfig returns the defaults.
func DefaultPublisherConfig() PublisherConfig {
	return PublisherConfig{
		Subject:    same,
		MessageID:  MessageUUID,
		Codec:      HeaderCodec{},
		MaxPending: 4096,
		AckTimeout: 5 * time.Second,
		Unstored:   UnstoredRefuse,
	}
}

// Validate reports every impossible value.
func (c PublisherConfig) Validate() error {
	var problems []error
	if c.Subject == nil || c.MessageID == nil || c.Codec == nil {
		problems = append(problems, errors.New("natspubsub: Subject, MessageID and Codec of the publisher must be set: start from DefaultPublisherConfig"))
	}
	if c.MaxPending < 1 {
		problems = append(problems, fmt.Errorf("natspubsub: MaxPending %d: want at least 1", c.MaxPending))
	}
	if c.AckTimeout <= 0 {
		problems = append(problems, fmt.Errorf("natspubsub: AckTimeout %v: want above 0", c.AckTimeout))
	}
	if c.Unstored != UnstoredRefuse && c.Unstored != UnstoredSend {
		problems = append(problems, fmt.Errorf("natspubsub: Unstored %d: want UnstoredRefuse or UnstoredSend", c.Unstored))
	}
	return errors.Join(problems...)
}
