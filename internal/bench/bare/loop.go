package bare

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// The loop's subjects and streams.
const (
	In        = "bare.1"   // what the first stage consumes
	Out       = "bare.out" // what the last stage publishes
	StreamOut = "BARE_OUT"
)

// Hops is how many stages a loop has: as many as HAL9 has layers.
const Hops = 5

// ackPending is how many messages a consumer may have under way.
const ackPending = 8192

// Loop is stages behind each other, each with its own stream and durable consumer: it takes what
// came and stores it in the next stage's stream. It decides nothing.
type Loop struct {
	variant Variant
	clients []*Client // one for each stage
	stages  []*stage
}

// NewLoop makes the streams and consumers of a loop of so many hops on the target; limits retention, file storage,
// one replica.
func NewLoop(ctx context.Context, to Target, v Variant, hops int) (*Loop, error) {
	l := &Loop{variant: v}
	for hop := range hops {
		client, err := to.Connect()
		if err != nil {
			l.Close()
			return nil, err
		}
		l.clients = append(l.clients, client)
		if hop == 0 {
			if err := makeStream(ctx, client, StreamOut, Out, v); err != nil {
				l.Close()
				return nil, err
			}
		}
		if err := l.addStage(ctx, client, hop, hops); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

func (l *Loop) addStage(ctx context.Context, client *Client, hop, hops int) error {
	name, next := fmt.Sprintf("BARE_%d", hop+1), Out
	if hop+1 < hops {
		next = fmt.Sprintf("bare.%d", hop+2)
	}
	if err := makeStream(ctx, client, name, fmt.Sprintf("bare.%d", hop+1), l.variant); err != nil {
		return err
	}
	consumer, err := client.js.CreateConsumer(ctx, name, jetstream.ConsumerConfig{
		Durable: "stage", AckPolicy: l.variant.ackPolicy(), MaxAckPending: ackPending,
	})
	if err != nil {
		return fmt.Errorf("bare: consumer on %s: %w", name, err)
	}
	l.stages = append(l.stages, &stage{client: client, variant: l.variant, consumer: consumer, stream: name, next: next})
	return nil
}

func makeStream(ctx context.Context, client *Client, name, subject string, v Variant) error {
	_, err := client.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: name, Subjects: []string{subject}, Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage,
		Replicas: 1, AllowBatchPublish: v.Send == SendFast,
	})
	if err != nil {
		return fmt.Errorf("bare: stream %s: %w", name, err)
	}
	return nil
}

// Run works until ctx ends or a stage fails.
func (l *Loop) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range l.stages {
		group.Go(func() error { return s.run(ctx) })
	}
	return group.Wait()
}

// Close ends the loop's connections.
func (l *Loop) Close() {
	for _, client := range l.clients {
		client.Close()
	}
}
