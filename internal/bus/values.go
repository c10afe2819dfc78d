package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrChanged says that somebody else has changed a value meanwhile.
var ErrChanged = errors.New("bus: the value was changed meanwhile")

// Value is one value of a bucket; Revision is 0 where there is none.
type Value struct {
	Key      string
	Data     []byte
	Revision uint64
}

// Values reads and writes one bucket.
type Values struct{ bucket jetstream.KeyValue }

// Values opens a provisioned bucket.
func (b *Bus) Values(ctx context.Context, name string) (*Values, error) {
	bucket, err := b.bucket(ctx, name)
	if err != nil {
		return nil, err
	}
	return &Values{bucket}, nil
}

// Get returns the value of a key, the zero Value where there is none.
func (v *Values) Get(ctx context.Context, key string) (Value, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	entry, err := v.bucket.Get(ctx, key)
	if err != nil {
		return Value{}, ignoreMissing(err)
	}
	return Value{key, entry.Value(), entry.Revision()}, nil
}

// Put replaces the value that has a revision, 0 where there is none. The error is ErrChanged where it has another one by now.
func (v *Values) Put(ctx context.Context, key string, data []byte, revision uint64) error {
	ctx, cancel := ask(ctx)
	defer cancel()
	var err error
	if revision == 0 {
		_, err = v.bucket.Create(ctx, key, data)
	} else {
		_, err = v.bucket.Update(ctx, key, data, revision)
	}
	if isConflict(err) {
		return ErrChanged
	}
	if err != nil {
		return fmt.Errorf("bus: store %s: %w", key, err)
	}
	return nil
}

func isConflict(err error) bool {
	if errors.Is(err, jetstream.ErrKeyExists) {
		return true
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// Delete removes the value that has a revision; see Put.
func (v *Values) Delete(ctx context.Context, key string, revision uint64) error {
	ctx, cancel := ask(ctx)
	defer cancel()
	err := v.bucket.Delete(ctx, key, jetstream.LastRevision(revision))
	if isConflict(err) {
		return ErrChanged
	}
	return err
}

// valuesTime bounds how long a bucket is read.
const valuesTime = 30 * time.Second

// Below visits the values whose keys begin so, such as "feedback.", in the order in which they were stored.
func (v *Values) Below(ctx context.Context, prefix string, visit func(Value)) error {
	ctx, cancel := context.WithTimeout(ctx, valuesTime)
	defer cancel()
	watcher, err := v.bucket.Watch(ctx, prefix+">", jetstream.IgnoreDeletes())
	if err != nil {
		return fmt.Errorf("bus: read %s: %w", prefix, err)
	}
	defer func() { _ = watcher.Stop() }()
	for {
		select {
		case entry, ok := <-watcher.Updates():
			if entry == nil || !ok { // All that there were when it began.
				return context.Cause(ctx)
			}
			visit(Value{entry.Key(), entry.Value(), entry.Revision()})
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// History returns the values that a key had, as far as the bucket keeps them, the oldest first.
func (v *Values) History(ctx context.Context, key string) ([]Value, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	entries, err := v.bucket.History(ctx, key)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	var list []Value
	for _, entry := range entries {
		if entry.Operation() == jetstream.KeyValuePut {
			list = append(list, Value{key, entry.Value(), entry.Revision()})
		}
	}
	return list, nil
}
