package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// ChangeKind says what provisioning has to do with a resource.
type ChangeKind string

// The kinds of change. Nothing is ever deleted.
const (
	ChangeNone   ChangeKind = "unchanged"
	ChangeCreate ChangeKind = "create"
	ChangeUpdate ChangeKind = "update"
)

// ErrConflict says that what is there can't become what is wanted: only a person can decide.
var ErrConflict = errors.New("bus: provisioned in another way")

// conflictError is an ErrConflict that says what to do.
type conflictError struct{ text string }

// Error implements error.
func (e *conflictError) Error() string { return e.text }

// Is makes it an ErrConflict.
func (e *conflictError) Is(target error) bool { return target == ErrConflict }

func conflict(format string, args ...any) error { return &conflictError{fmt.Sprintf(format, args...)} }

// Change is one line of a plan.
type Change struct {
	Kind     ChangeKind `json:"kind"`
	Resource string     `json:"resource"` // "stream HAL9_L1", "consumer l1 on HAL9_L1", "bucket hal9_leases"
	Diffs    []string   `json:"diffs,omitempty"`

	apply func(ctx context.Context) error
}

// Plan compares what is there with the topology. It changes nothing.
func (b *Bus) Plan(ctx context.Context, t Topology) ([]Change, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if err := b.checkPartitions(ctx, t.Partitions); err != nil {
		return nil, err
	}
	var plan []Change
	for _, cfg := range t.streams() {
		change, err := b.planStream(ctx, cfg)
		if err != nil {
			return nil, fmt.Errorf("bus: plan stream %s: %w", cfg.Name, err)
		}
		plan = append(plan, change)
	}
	for _, c := range t.consumers() {
		change, err := b.planConsumer(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("bus: plan consumer %s on %s: %w", c.config.Durable, c.stream, err)
		}
		plan = append(plan, change)
	}
	for _, cfg := range t.buckets() {
		change, err := b.planBucket(ctx, cfg)
		if err != nil {
			return nil, fmt.Errorf("bus: plan bucket %s: %w", cfg.Bucket, err)
		}
		plan = append(plan, change)
	}
	change, err := b.planObjects(ctx, jetstream.ObjectStoreConfig{
		Bucket: pipeline.BucketSnapshots, Replicas: t.Replicas, MaxBytes: t.share(1),
	})
	if err != nil {
		return nil, fmt.Errorf("bus: plan bucket %s: %w", pipeline.BucketSnapshots, err)
	}
	return append(plan, change), nil
}

// Apply carries a plan out, in order. It stops at the first failure; running it again goes on
// from there.
func (b *Bus) Apply(ctx context.Context, plan []Change) error {
	for i := range plan {
		if plan[i].Kind == ChangeNone {
			continue
		}
		if err := plan[i].apply(ctx); err != nil {
			return fmt.Errorf("bus: %s %s: %w", plan[i].Kind, plan[i].Resource, err)
		}
	}
	return nil
}

// Provision plans and applies.
func (b *Bus) Provision(ctx context.Context, t Topology) error {
	plan, err := b.Plan(ctx, t)
	if err != nil {
		return err
	}
	return b.Apply(ctx, plan)
}

// Partitions returns how many partitions the keyed layers were provisioned with.
func (b *Bus) Partitions(ctx context.Context) (int, error) {
	stream, err := b.stream(ctx, pipeline.StreamOf(layers.NameL1, 0, 1))
	if err != nil {
		return 0, err
	}
	text := stream.CachedInfo().Config.Metadata[metaPartitions]
	partitions, err := strconv.Atoi(text)
	if err != nil || partitions < 1 || partitions > pipeline.MaxPartitions {
		return 0, fmt.Errorf("bus: stream %s was not made by `hal9 provision`: its metadata %s is %q",
			stream.CachedInfo().Config.Name, metaPartitions, text)
	}
	return partitions, nil
}

func (b *Bus) checkPartitions(ctx context.Context, want int) error {
	have, err := b.Partitions(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if have != want {
		return conflict("bus: HAL9 is provisioned with %d partitions and that is fixed for life, since state belongs to them: "+
			"use --partitions %d, or an empty NATS", have, have)
	}
	return nil
}

func (b *Bus) planStream(ctx context.Context, want jetstream.StreamConfig) (Change, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	change := Change{Kind: ChangeNone, Resource: "stream " + want.Name}
	stream, err := b.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		change.Kind = ChangeCreate
		change.apply = func(ctx context.Context) error {
			_, err := b.js.CreateStream(ctx, want)
			return err
		}
		return change, nil
	}
	if err != nil {
		return change, err
	}
	have := stream.CachedInfo().Config
	if have.Storage != want.Storage || have.Retention != want.Retention {
		return change, conflict("it exists with %s storage and %s retention, HAL9 needs %s and %s and can't change them: remove it by hand if it is not in use",
			have.Storage, have.Retention, want.Storage, want.Retention)
	}
	next := mergeStream(have, want)
	if change.Diffs = diffStream(have, next); len(change.Diffs) > 0 {
		change.Kind = ChangeUpdate
		change.apply = func(ctx context.Context) error {
			_, err := b.js.UpdateStream(ctx, next)
			return err
		}
	}
	return change, nil
}

func (b *Bus) planConsumer(ctx context.Context, c consumer) (Change, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	change := Change{Kind: ChangeNone, Resource: "consumer " + c.config.Durable + " on " + c.stream}
	existing, err := b.js.Consumer(ctx, c.stream, c.config.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		change.Kind = ChangeCreate
		change.apply = func(ctx context.Context) error {
			_, err := b.js.CreateConsumer(ctx, c.stream, c.config)
			return err
		}
		return change, nil
	}
	if err != nil {
		return change, err
	}
	have := existing.CachedInfo().Config
	if have.AckPolicy != c.config.AckPolicy || have.DeliverPolicy != c.config.DeliverPolicy {
		return change, conflict("it exists with %s and %s, HAL9 needs %s and %s and can't change them: remove it by hand if it is not in use",
			have.AckPolicy, have.DeliverPolicy, c.config.AckPolicy, c.config.DeliverPolicy)
	}
	next := mergeConsumer(have, c.config)
	if change.Diffs = diffConsumer(have, next); len(change.Diffs) > 0 {
		change.Kind = ChangeUpdate
		change.apply = func(ctx context.Context) error {
			_, err := b.js.UpdateConsumer(ctx, c.stream, next)
			return err
		}
	}
	return change, nil
}
