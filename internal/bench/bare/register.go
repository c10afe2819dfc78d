package bare

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Register is a replicated bucket in which each key is written once: the plainest consensus that
// JetStream offers.
type Register struct{ kv jetstream.KeyValue }

// NewRegister opens the bucket, and makes it on its first use: on files, with as many replicas. A fresh cluster
// refuses or does not answer until its servers know each other, so it is tried for a while.
func (c *Client) NewRegister(ctx context.Context, bucket string, replicas int) (*Register, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	retry := time.NewTicker(idle)
	defer retry.Stop()
	for {
		kv, err := c.openBucket(ctx, bucket, replicas)
		if err == nil {
			return &Register{kv}, nil
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("bare: make bucket %s: %w", bucket, err)
		}
	}
}

func (c *Client) openBucket(ctx context.Context, bucket string, replicas int) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(ctx, patience/10)
	defer cancel()
	return c.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: bucket, Replicas: replicas, Storage: jetstream.FileStorage,
	})
}

// Create writes key number i, which must not be there.
func (r *Register) Create(ctx context.Context, i int) error {
	if _, err := r.kv.Create(ctx, fmt.Sprintf("k%d", i), []byte("agreed")); err != nil {
		return fmt.Errorf("bare: create key %d: %w", i, err)
	}
	return nil
}
