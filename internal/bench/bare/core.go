package bare

import (
	"context"
	"fmt"
	"time"
)

// underWay bounds what is published and not received: beyond it the server would take the subscriber for too
// slow and disconnect it.
const underWay = 16 << 20

// PublishSubscribe sends n messages of size bytes from one connection to a subscriber on another and returns
// how long it took until the last one was received. Nothing is stored.
func PublishSubscribe(ctx context.Context, to Target, size, n int) (time.Duration, error) {
	subscriber, err := to.Connect()
	if err != nil {
		return 0, err
	}
	defer subscriber.Close()
	publisher, err := to.Connect()
	if err != nil {
		return 0, err
	}
	defer publisher.Close()
	window := max(1, underWay/size)
	room := make(chan struct{}, window) // holds one for each message under way
	received, all := 0, make(chan struct{})
	const subject = "bare.core"
	err = subscriber.Listen(subject, func([]byte) {
		<-room
		if received++; received == n {
			close(all)
		}
	})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	payload := make([]byte, size)
	began := time.Now()
	for range n {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return 0, fmt.Errorf("bare: publish: %w", context.Cause(ctx))
		}
		if err := publisher.nc.Publish(subject, payload); err != nil {
			return 0, fmt.Errorf("bare: publish on %s: %w", subject, err)
		}
	}
	select {
	case <-all:
		return time.Since(began), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("bare: receive: %w", context.Cause(ctx))
	}
}
