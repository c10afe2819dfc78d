package outbound

import (
	"strconv"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

// Poison makes dead letters on a subject hal9.dead.<what> of messages that will always fail.
func Poison(dead message.Publisher, subject string) (message.HandlerMiddleware, error) {
	return middleware.PoisonQueueWithFilter(deadLetters{dead}, subject, layers.IsPermanent)
}

// deadLetters gives poisoned messages the headers of HAL9's dead letters.
type deadLetters struct{ message.Publisher }

// Publish implements message.Publisher.
func (d deadLetters) Publish(topic string, msgs ...*message.Message) error {
	letters := make([]*message.Message, len(msgs))
	for i, msg := range msgs {
		letter := msg.Copy()
		letter.SetContext(msg.Context())
		// A result may be poison to several sinks: each keeps its own letter.
		letter.UUID = msg.UUID + "." + msg.Metadata.Get(middleware.PoisonedHandlerKey)
		letter.Metadata.Set(pipeline.HeaderError, pipeline.OneLine(msg.Metadata.Get(middleware.ReasonForPoisonedKey)))
		letter.Metadata.Set(pipeline.HeaderLayer, strings.TrimPrefix(topic, pipeline.SubjectDead+"."))
		letter.Metadata.Set(pipeline.HeaderAttempts, "1")
		if delivery, ok := natspubsub.DeliveryOf(msg.Context()); ok {
			letter.Metadata.Set(pipeline.HeaderAttempts, strconv.FormatUint(delivery.Attempt, 10))
			letter.Metadata.Set(pipeline.HeaderStream, delivery.Stream)
			letter.Metadata.Set(pipeline.HeaderSeq, strconv.FormatUint(delivery.Sequence, 10))
		}
		delete(letter.Metadata, middleware.ReasonForPoisonedKey)
		letters[i] = letter
	}
	return d.Publisher.Publish(topic, letters...)
}
