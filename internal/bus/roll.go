package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/2lab-ai/hal9/pipeline"
)

// AnswerRoll answers whoever calls the roll of processes, until ctx ends. answer is called for each call, at most one
// at a time, and must be quick.
func (b *Bus) AnswerRoll(ctx context.Context, answer func() []byte) error {
	subscription, err := b.nc.Subscribe(pipeline.SubjectRoll, func(msg *nats.Msg) {
		// Who called and does not wait any more misses nothing.
		_ = msg.Respond(answer())
	})
	if err != nil {
		return fmt.Errorf("bus: subscribe to %s: %w", pipeline.SubjectRoll, err)
	}
	<-ctx.Done()
	return subscription.Unsubscribe()
}

// RollAnswer is what one process answered.
type RollAnswer struct {
	Data []byte
	Took time.Duration // from the call to its arrival
}

// rollMost bounds how many answers are taken.
const rollMost = 1000

// CallRoll asks all processes on this NATS who they are. It waits until none has answered for the time of quiet.
func (b *Bus) CallRoll(ctx context.Context, quiet time.Duration) ([]RollAnswer, error) {
	inbox := b.nc.NewInbox()
	subscription, err := b.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("bus: call the roll: %w", err)
	}
	defer func() { _ = subscription.Unsubscribe() }()
	asked := time.Now()
	if err := b.nc.PublishRequest(pipeline.SubjectRoll, inbox, nil); err != nil {
		return nil, fmt.Errorf("bus: call the roll: %w", err)
	}
	var answers []RollAnswer
	for len(answers) < rollMost {
		waiting, cancel := context.WithTimeout(ctx, quiet)
		msg, err := subscription.NextMsgWithContext(waiting)
		cancel()
		if err != nil { // Nobody is left, or nobody is there: NATS says so at once.
			break
		}
		if len(msg.Data) > 0 {
			answers = append(answers, RollAnswer{msg.Data, time.Since(asked)})
		}
	}
	return answers, context.Cause(ctx)
}
