package bus

import (
	"context"
	"fmt"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// AwaitSignal returns when a signal is published to a layer. It listens on plain NATS, beside JetStream, so it costs nothing while
// nothing comes: for layers that stand still. ready is called once it listens: what was published before is not heard.
func (b *Bus) AwaitSignal(ctx context.Context, layer layers.Name, ready func()) error {
	subject := pipeline.SubjectOf(layer, 0)
	if layer != layers.NameL1 {
		subject = subject[:len(subject)-1] + "*" // Whatever the partition.
	}
	subscription, err := b.nc.SubscribeSync(subject)
	if err != nil {
		return fmt.Errorf("bus: listen for a first signal to %s: %w", layer, err)
	}
	defer func() { _ = subscription.Unsubscribe() }()
	if err := b.flush(ctx); err != nil {
		return fmt.Errorf("bus: listen for a first signal to %s: %w", layer, err)
	}
	ready()
	for {
		msg, err := subscription.NextMsgWithContext(ctx)
		if err != nil {
			return fmt.Errorf("bus: listen for a first signal to %s: %w", layer, err)
		}
		if pipeline.IsSignal(layer, msg.Header.Get(pipeline.HeaderKind)) {
			return nil
		}
	}
}

// flush waits until the server has taken in what was sent. NATS's client refuses to wait without a deadline.
func (b *Bus) flush(ctx context.Context) error {
	ctx, cancel := ask(ctx)
	defer cancel()
	return b.nc.FlushWithContext(ctx)
}
