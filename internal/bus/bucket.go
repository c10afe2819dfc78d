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
	have := status.Config()
	next := mergeBucket(have, want)
	if change.Diffs = diffBucket(have, next); len(change.Diffs) > 0 {
		change.Kind = ChangeUpdate
		change.apply = func(ctx context.Context) error {
			_, err := b.js.UpdateKeyValue(ctx, next)
			return err
		}
	}
	return change, nil
}

func (b *Bus) planObjects(ctx context.Context, want jetstream.ObjectStoreConfig) (Change, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	change := Change{Kind: ChangeNone, Resource: "object store " + want.Bucket}
	stream, err := b.js.Stream(ctx, "OBJ_"+want.Bucket)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
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
	have := stream.CachedInfo().Config
	next := have
	next.Replicas, next.MaxBytes = want.Replicas, largerBound(have.MaxBytes, want.MaxBytes)
	if change.Diffs = diffs(diff("replicas", have.Replicas, next.Replicas), diff("bytes", have.MaxBytes, next.MaxBytes)); len(change.Diffs) > 0 {
		change.Kind = ChangeUpdate
		change.apply = func(ctx context.Context) error {
			_, err := b.js.UpdateStream(ctx, next)
			return err
		}
	}
	return change, nil
}
