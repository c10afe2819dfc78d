package bare

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// StoreAndRead publishes n messages of a size from one connection to a stream in a file, reads them on another while they
// come, and returns how long it took: the least that a payload costs which survives its sender. It waits for every answer, and
// acknowledges nothing.
func StoreAndRead(ctx context.Context, to Target, size, n int) (time.Duration, error) {
	reader, err := to.Connect()
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	sender, err := to.Connect()
	if err != nil {
		return 0, err
	}
	defer sender.Close()
	const name, subject = "BARE_STORED", "bare.stored"
	if err := makeStream(ctx, sender, name, subject, Variant{}); err != nil {
		return 0, err
	}
	if _, err := reader.js.CreateConsumer(ctx, name, jetstream.ConsumerConfig{Durable: "stage", AckPolicy: jetstream.AckNonePolicy}); err != nil {
		return 0, fmt.Errorf("bare: consumer on %s: %w", name, err)
	}
	pull, err := newRequester(reader.nc, name, underWay)
	if err != nil {
		return 0, fmt.Errorf("bare: pull from %s: %w", name, err)
	}
	defer pull.close()
	publisher, err := sender.NewPublisher()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		payload := make([]byte, size)
		for range n {
			if err := publisher.Send(subject, payload); err != nil {
				return err
			}
		}
		return publisher.Wait(ctx)
	})
	both.Go(func() error {
		for got := 0; got < n; {
			burst, err := pull.next(ctx)
			if err != nil {
				return fmt.Errorf("bare: read %s: %w", name, err)
			}
			got += len(burst)
		}
		return nil
	})
	err = both.Wait()
	return time.Since(began), err
}
