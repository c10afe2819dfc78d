package bus

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

func (b *Bus) planBucket(ctx context.Context, want jetstream.KeyValueConfig) (Change, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	change := Change{Kind: ChangeNone, Resource: "bucket " + want.Bucket}
	bucket, err := b.js.KeyValue(ctx, want.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		change.Kind = ChangeCreate
		change.apply = func(ctx context.Context) error {
			_, err := b.js.CreateKeyValue(ctx, want)
			return err
		}
		return change, nil
	}
	if err != nil {
		return change, err
	}
	status, err := bucket.Status(ctx)
	if err != nil {
		return change, err
	}
	change.Diffs = diffs(
		diff("ttl", status.TTL(), want.TTL),
		diff("marker ttl", status.LimitMarkerTTL(), want.LimitMarkerTTL),
		diff("history", status.History(), int64(max(1, want.History))),
		diff("replicas", status.Config().Replicas, want.Replicas),
	)
	if len(change.Diffs) > 0 {
		change.Kind = ChangeUpdate
		change.apply = func(ctx context.Context) error {
			_, err := b.js.UpdateKeyValue(ctx, want)
			return err
		}
	}
	return change, nil
}

func (b *Bus) planObjects(ctx context.Context, want jetstream.ObjectStoreConfig) (Change, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	change := Change{Kind: ChangeNone, Resource: "object store " + want.Bucket}
	store, err := b.js.ObjectStore(ctx, want.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		change.Kind = ChangeCreate
		change.apply = func(ctx context.Context) error {
			_, err := b.js.CreateObjectStore(ctx, want)
			return err
		}
		return change, nil
	}
	if err != nil {
		return change, err
	}
	status, err := store.Status(ctx)
	if err != nil {
		return change, err
	}
	if change.Diffs = diffs(diff("replicas", status.Replicas(), want.Replicas)); len(change.Diffs) > 0 {
		change.Kind = ChangeUpdate
		change.apply = func(ctx context.Context) error {
			_, err := b.js.UpdateObjectStore(ctx, want)
			return err
		}
	}
	return change, nil
}
