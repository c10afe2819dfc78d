package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/2lab-ai/hal9/pipeline"
)

// pointer is what stands in the checkpoint bucket under a stage's name.
type pointer struct {
	Offset uint64 `json:"offset"`           // last settled sequence of the stage's stream
	Object string `json:"object,omitempty"` // the snapshot in the object store
	// Ledger says up to where streams of results were filled then.
	Ledger pipeline.Ledger `json:"ledger,omitempty"`
}

// Checkpoints keeps snapshots in an object store and points to them from a bucket by
// compare-and-set: a stage that lost its partition cannot move the pointer any more. It
// implements pipeline.Checkpoints.
type Checkpoints struct {
	bus      *Bus
	pointers jetstream.KeyValue
	objects  jetstream.ObjectStore
	answers  *answers

	mu    sync.Mutex
	lives map[string]*life
}

// life names the two objects that one life of a stage writes in turn, so that the one that is
// pointed to is never touched.
type life struct {
	id      string
	current string // the object that the pointer names
}

// Checkpoints opens the two buckets.
func (b *Bus) Checkpoints(ctx context.Context) (*Checkpoints, error) {
	pointers, err := b.bucket(ctx, pipeline.BucketCheckpoints)
	if err != nil {
		return nil, err
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	objects, err := b.js.ObjectStore(ctx, pipeline.BucketSnapshots)
	if err != nil {
		return nil, b.bucketError(pipeline.BucketSnapshots, err)
	}
	return &Checkpoints{bus: b, pointers: pointers, objects: objects, answers: b.answers, lives: map[string]*life{}}, nil
}

func (b *Bus) bucket(ctx context.Context, name string) (jetstream.KeyValue, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	bucket, err := b.js.KeyValue(ctx, name)
	if err != nil {
		return nil, b.bucketError(name, err)
	}
	return bucket, nil
}

func (b *Bus) bucketError(name string, err error) error {
	if errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("bus: bucket %s is missing: run `hal9 provision --nats %s`: %w", name, b.URL(), err)
	}
	return fmt.Errorf("bus: open bucket %s: %w", name, err)
}

// Load implements pipeline.Checkpoints.
func (c *Checkpoints) Load(ctx context.Context, stage string) (pipeline.Checkpoint, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	entry, err := c.bus.checkpointed(ctx, stage)
	if err != nil {
		return pipeline.Checkpoint{}, fmt.Errorf("bus: load checkpoint %s: %w", stage, err)
	}
	if entry == nil {
		c.begin(stage, "")
		return pipeline.Checkpoint{}, nil
	}
	var at pointer
	if err := json.Unmarshal(entry.Data, &at); err != nil {
		return pipeline.Checkpoint{}, fmt.Errorf("bus: checkpoint %s is not readable: %w", stage, err)
	}
	c.begin(stage, at.Object)
	return pipeline.Checkpoint{Offset: at.Offset, Ledger: at.Ledger, Revision: entry.Seq}, nil
}

// State implements pipeline.Checkpoints.
func (c *Checkpoints) State(ctx context.Context, stage string) ([]byte, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	object, _ := c.names(stage)
	if object == "" {
		return nil, nil
	}
	state, err := c.bus.object(ctx, pipeline.BucketSnapshots, object)
	if err != nil {
		return nil, fmt.Errorf("bus: snapshot %s of %s: %w", object, stage, err)
	}
	return state, nil
}

func (c *Checkpoints) begin(stage, current string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lives[stage] = &life{id: nuid.Next(), current: current}
}

// Save implements pipeline.Checkpoints.
func (c *Checkpoints) Save(ctx context.Context, stage string, cp pipeline.Checkpoint) (uint64, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	ledger := cp.Ledger
	if ledger == nil {
		ledger = c.answers.ledger() // Before anything else: all results up to here are stored.
	}
	old, object := c.names(stage)
	if len(cp.State) == 0 {
		object = ""
	} else if _, err := c.objects.PutBytes(ctx, object, cp.State); err != nil {
		return 0, fmt.Errorf("bus: store snapshot of %s: %w", stage, err)
	}
	next := pointer{Offset: cp.Offset, Object: object, Ledger: ledger}
	value, err := json.Marshal(next)
	if err != nil {
		return 0, fmt.Errorf("bus: checkpoint %s: %w", stage, err)
	}
	var revision uint64
	if cp.Revision == 0 {
		revision, err = c.pointers.Create(ctx, stage, value)
	} else {
		revision, err = c.pointers.Update(ctx, stage, value, cp.Revision)
	}
	if isWrongRevision(err) {
		revision, err = c.saved(ctx, stage, next, err)
	}
	if err != nil {
		return 0, fmt.Errorf("bus: save checkpoint %s: %w", stage, err)
	}
	c.mu.Lock()
	c.lives[stage].current = object
	c.mu.Unlock()
	if old != "" {
		_ = c.objects.Delete(ctx, old) // A snapshot that stays behind costs space and nothing else.
	}
	return revision, nil
}

// saved returns the revision of a pointer that an earlier try stored, of which the answer got lost: this life alone names its objects. Another
// pointer is that of another owner.
func (c *Checkpoints) saved(ctx context.Context, stage string, mine pointer, wrong error) (uint64, error) {
	entry, err := c.pointers.Get(ctx, stage)
	if err != nil {
		return 0, errors.Join(wrong, err)
	}
	var there pointer
	if json.Unmarshal(entry.Value(), &there) != nil || there.Object != mine.Object || there.Offset != mine.Offset {
		return 0, fmt.Errorf("%w: another owner has saved: %w", pipeline.ErrLeaseLost, wrong)
	}
	return entry.Revision(), nil
}

// names returns the object that the pointer names and the one to write next.
func (c *Checkpoints) names(stage string) (current, next string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lives[stage]
	if l == nil {
		l = &life{id: nuid.Next()}
		c.lives[stage] = l
	}
	next = stage + "." + l.id + ".a"
	if l.current == next {
		next = stage + "." + l.id + ".b"
	}
	return l.current, next
}

// offset returns a stage's checkpointed offset without its state.
func (c *Checkpoints) offset(ctx context.Context, stage string) (uint64, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	entry, err := c.bus.checkpointed(ctx, stage)
	if err != nil || entry == nil {
		return 0, err
	}
	var at pointer
	if err := json.Unmarshal(entry.Data, &at); err != nil {
		return 0, fmt.Errorf("bus: checkpoint %s is not readable: %w", stage, err)
	}
	return at.Offset, nil
}

// ignoreMissing turns the absence of a key into no error.
func ignoreMissing(err error) error {
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil
	}
	return err
}
