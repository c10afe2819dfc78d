// Package bare is the yardstick of `hal9 bench`: the loops that a good engineer writes by hand with nats.go
// where HAL9 has layers and a pipeline. It speaks NATS directly, because what it measures is NATS without
// HAL9, on the same kind of server in the same process. It also is the hand that publishes signals and counts
// what comes out, so that HAL9 and the loops are fed and read in the same way.
package bare

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxPending is how many publishes may wait for their answer.
const maxPending = 4096

// patience bounds every single wait for the server.
const patience = 30 * time.Second

// Target says how to reach a server.
type Target struct {
	url     string
	options []nats.Option
}

// NewTarget returns the target at url, reached with the options, such as an in-process connection.
func NewTarget(url string, options ...nats.Option) Target { return Target{url, options} }

// Client is a connection to a server.
type Client struct {
	nc *nats.Conn
	js jetstream.JetStream
}

// Connect connects to the target.
func (t Target) Connect() (*Client, error) {
	nc, err := nats.Connect(t.url, t.options...)
	if err != nil {
		return nil, fmt.Errorf("bare: connect to %s: %w", t.url, err)
	}
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(maxPending), jetstream.WithPublishAsyncTimeout(patience))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("bare: %w", err)
	}
	return &Client{nc: nc, js: js}, nil
}

// Close ends the connection.
func (c *Client) Close() { c.nc.Close() }

// MaxPayload returns the server's bound of one message, bytes.
func (c *Client) MaxPayload() int { return int(c.nc.MaxPayload()) }

// Listen calls heard for every message on the subject, in order and on one goroutine, until the client is
// closed. It is a plain subscription: what a user of the results would have.
func (c *Client) Listen(subject string, heard func(data []byte)) error {
	sub, err := c.nc.Subscribe(subject, func(m *nats.Msg) { heard(m.Data) })
	if err != nil {
		return fmt.Errorf("bare: subscribe to %s: %w", subject, err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return fmt.Errorf("bare: subscribe to %s: %w", subject, err)
	}
	return c.nc.FlushTimeout(patience)
}

// Count returns how many messages a stream holds.
func (c *Client) Count(ctx context.Context, stream string) (uint64, error) {
	s, err := c.js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("bare: stream %s: %w", stream, err)
	}
	return s.CachedInfo().State.Msgs, nil
}

// Read calls read for every message that the stream holds now.
func (c *Client) Read(ctx context.Context, stream string, read func(data []byte)) error {
	left, err := c.Count(ctx, stream)
	if err != nil || left == 0 {
		return err
	}
	reader, err := c.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return fmt.Errorf("bare: read %s: %w", stream, err)
	}
	for left > 0 {
		batch, err := reader.Fetch(int(min(left, 4096)), jetstream.FetchMaxWait(patience))
		if err != nil {
			return fmt.Errorf("bare: read %s: %w", stream, err)
		}
		got := uint64(0)
		for msg := range batch.Messages() {
			read(msg.Data())
			got++
		}
		if err := batch.Error(); err != nil {
			return fmt.Errorf("bare: read %s: %w", stream, err)
		}
		if got == 0 {
			return fmt.Errorf("bare: read %s: %d messages did not come", stream, left)
		}
		left -= got
	}
	return nil
}
