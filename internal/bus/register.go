package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/2lab-ai/hal9/pipeline"
)

// ErrTaken says that a key was written by somebody else.
var ErrTaken = errors.New("bus: the key is taken")

// The stream behind the bucket of agreements, and its subjects.
const (
	registerStream   = "KV_" + pipeline.BucketAgreements
	registerSubjects = "$KV." + pipeline.BucketAgreements + "."
)

// registerBytes bounds the bucket: some 25,000 plans with their votes. It forgets the oldest records first.
const registerBytes = 64 << 20

// register is the bucket of agreements as a stream: unlike a bucket that NATS makes it takes several keys at once or none,
// and drops its oldest where it is full, since an agreement must always be possible. Only its leader answers questions: what
// a follower knows may be old.
func (t Topology) register() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: registerStream, Subjects: []string{registerSubjects + ">"}, Retention: jetstream.LimitsPolicy,
		Storage: jetstream.FileStorage, Discard: jetstream.DiscardOld, MaxBytes: registerBytes, MaxMsgsPerSubject: 1,
		Duplicates: hopWindow, Replicas: t.Replicas, DenyDelete: true, AllowRollup: true, AllowAtomicPublish: true,
	}
}

// Register is the bucket in which everything that must be agreed on once is written by compare-and-set: a key is created by one
// writer and changed only by who knows its revision. Each write is one decision of JetStream's Raft group.
type Register struct {
	bus    *Bus
	stream jetstream.Stream
}

// Entry is a key with its value.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64
	Stored   time.Time // by NATS's clock
}

// Register opens the bucket of agreements.
func (b *Bus) Register(ctx context.Context) (*Register, error) {
	stream, err := b.stream(ctx, registerStream)
	if err != nil {
		return nil, err
	}
	return &Register{bus: b, stream: stream}, nil
}

// Create writes a key that nobody has written yet and returns its revision; ErrTaken where somebody has. After any other error
// it may be written or not.
func (r *Register) Create(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	return r.Update(ctx, key, value, 0)
}

// Update replaces the value of the revision and returns the new one; ErrTaken where the key has another revision.
func (r *Register) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	ack, err := r.bus.js.PublishMsg(ctx, &nats.Msg{Subject: registerSubjects + key, Data: value},
		jetstream.WithExpectLastSequencePerSubject(revision))
	if err != nil {
		return 0, registerError(err)
	}
	return ack.Sequence, nil
}

// CreateAll writes all keys or none, in one decision; ErrTaken where somebody has written one of them.
func (r *Register) CreateAll(ctx context.Context, entries []Entry) error {
	batch := make([]*nats.Msg, len(entries))
	for i, entry := range entries {
		batch[i] = &nats.Msg{
			Subject: registerSubjects + entry.Key, Data: entry.Value,
			Header: nats.Header{jetstream.ExpectedLastSubjSeqHeader: {"0"}},
		}
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	_, err := jetstreamext.PublishMsgBatch(ctx, r.bus.js, batch, jetstreamext.BatchFlowControl{})
	return registerError(err)
}

// registerError marks what another writer caused.
func registerError(err error) error {
	switch {
	case err == nil:
		return nil
	case isWrongRevision(err):
		return ErrTaken
	default:
		return fmt.Errorf("bus: register: %w", err)
	}
}

// Get reads a key from the leader; ok is false where nobody has written it.
func (r *Register) Get(ctx context.Context, key string) (entry Entry, ok bool, err error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	msg, err := r.stream.GetLastMsgForSubject(ctx, registerSubjects+key)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, fmt.Errorf("bus: register: read %s: %w", key, err)
	}
	return Entry{Key: key, Value: msg.Data, Revision: msg.Sequence, Stored: msg.Time}, true, nil
}

// Read visits the latest value of each key that begins with the tokens of prefix, in the order of their writing.
func (r *Register) Read(ctx context.Context, prefix string, visit func(Entry)) error {
	cfg := jetstream.ConsumerConfig{FilterSubject: registerSubjects + prefix + ".>", DeliverPolicy: jetstream.DeliverAllPolicy}
	info, err := r.stream.Info(ctx, jetstream.WithSubjectFilter(cfg.FilterSubject))
	if err != nil {
		return fmt.Errorf("bus: register: read %s: %w", prefix, err)
	}
	var seen uint64
	for _, n := range info.State.Subjects {
		seen += n
	}
	if seen == 0 {
		return nil
	}
	return r.bus.readMessages(ctx, r.stream, cfg, seen, func(m *Message) { visit(registerEntry(m)) })
}

// Follow visits what is written since a time, until ctx ends.
func (r *Register) Follow(ctx context.Context, follow Follow, visit func(Entry)) error {
	follow.Stream = registerStream
	return follow.Run(ctx, r.bus, func(m *Message) { visit(registerEntry(m)) })
}

func registerEntry(m *Message) Entry {
	return Entry{Key: strings.TrimPrefix(m.Subject, registerSubjects), Value: m.Data, Revision: m.Seq, Stored: m.Stored}
}
