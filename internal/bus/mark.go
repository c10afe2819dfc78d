package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// ErrTakenOver says that another process has marked or noted something in between.
var ErrTakenOver = errors.New("bus: another process has taken over")

// marksPerChunk is how many messages one key of the bucket answers for: a bit each, 8 KiB.
const marksPerChunk = 1 << 16

// noteKey is where the note stands, behind the life.
const noteKey = "note"

// Marks remembers which messages of a stream are dealt with, and a note on those that are being
// dealt with. It has one writer at a time; a second one is told by ErrTakenOver. The marks of a
// stream that was deleted and made anew do not count for its successor.
type Marks struct {
	keys   jetstream.KeyValue
	life   string // of the stream
	chunks map[uint64]*chunk
	note   uint64 // revision
}

// chunk is the marks of consecutive messages.
type chunk struct {
	bits     []byte
	revision uint64
}

// Marks reads the marks of a stream.
func (b *Bus) Marks(ctx context.Context, stream string) (*Marks, error) {
	s, err := b.stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	keys, err := b.bucket(ctx, pipeline.BucketRedriven)
	if err != nil {
		return nil, err
	}
	m := &Marks{
		keys: keys, chunks: map[uint64]*chunk{},
		life: stream + "." + strconv.FormatInt(s.CachedInfo().Created.UnixNano(), 36),
	}
	if err := m.load(ctx, s.CachedInfo().State); err != nil {
		return nil, fmt.Errorf("bus: read marks of %s: %w", stream, err)
	}
	return m, nil
}

// load asks for each key by its name: a list that broke off would hide marks.
func (m *Marks) load(ctx context.Context, state jetstream.StreamState) error {
	for number := state.FirstSeq / marksPerChunk; number <= state.LastSeq/marksPerChunk; number++ {
		entry, err := m.get(ctx, strconv.FormatUint(number, 10))
		if err != nil {
			return err
		}
		if entry != nil {
			m.chunks[number] = &chunk{entry.Value(), entry.Revision()}
		}
	}
	return nil
}

// get returns nil where there is nothing under a key.
func (m *Marks) get(ctx context.Context, key string) (jetstream.KeyValueEntry, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	entry, err := m.keys.Get(ctx, m.life+"."+key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil //nolint:nilnil // It is what the caller asks for.
	}
	return entry, err
}

// Has reports whether a message is marked.
func (m *Marks) Has(seq uint64) bool {
	c := m.chunks[seq/marksPerChunk]
	at := seq % marksPerChunk
	return c != nil && at/8 < uint64(len(c.bits)) && c.bits[at/8]&(1<<(at%8)) != 0
}

// Count returns how many of the messages between two sequences are marked, both included.
func (m *Marks) Count(first, last uint64) (n int) {
	for seq := first; seq <= last; seq++ {
		if m.chunks[seq/marksPerChunk] == nil {
			seq |= marksPerChunk - 1 // None of its messages is.
			continue
		}
		if m.Has(seq) {
			n++
		}
	}
	return n
}

// Unmarked returns the first sequence from a given one on that is not marked.
func (m *Marks) Unmarked(from uint64) uint64 {
	for m.Has(from) {
		from++
	}
	return from
}

// Add marks messages, durably. After an error the marks must be read anew.
func (m *Marks) Add(ctx context.Context, seqs ...uint64) error {
	changed := map[uint64]*chunk{}
	for _, seq := range seqs {
		number := seq / marksPerChunk
		c := m.chunks[number]
		if c == nil {
			c = &chunk{}
			m.chunks[number] = c
		}
		c.set(seq % marksPerChunk)
		changed[number] = c
	}
	for number, c := range changed {
		revision, err := m.put(ctx, strconv.FormatUint(number, 10), c.bits, c.revision)
		if err != nil {
			return err
		}
		c.revision = revision
	}
	return nil
}

func (c *chunk) set(at uint64) {
	for uint64(len(c.bits)) <= at/8 {
		c.bits = append(c.bits, 0)
	}
	c.bits[at/8] |= 1 << (at % 8)
}

// Note returns what SetNote has stored last and when; nil where there is nothing.
func (m *Marks) Note(ctx context.Context) (note []byte, at time.Time, err error) {
	entry, err := m.get(ctx, noteKey)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("bus: read note: %w", err)
	}
	if entry == nil {
		return nil, time.Time{}, nil
	}
	m.note = entry.Revision()
	return entry.Value(), entry.Created(), nil
}

// SetNote replaces the note that Note returned.
func (m *Marks) SetNote(ctx context.Context, note []byte) (err error) {
	m.note, err = m.put(ctx, noteKey, note, m.note)
	return err
}

// put stores a value where the last revision is still the known one.
func (m *Marks) put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	next, err := m.keys.Update(ctx, m.life+"."+key, value, revision) // Revision 0 creates.
	if errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return 0, fmt.Errorf("bus: store %s: %w", key, ErrTakenOver)
	}
	if err != nil {
		return 0, fmt.Errorf("bus: store %s: %w", key, err)
	}
	return next, nil
}

// Forget removes the marks of messages below first, which are gone, and those of the stream's
// predecessors.
func (m *Marks) Forget(ctx context.Context, first uint64) error {
	ctx, cancel := ask(ctx)
	defer cancel()
	stream, _, _ := strings.Cut(m.life, ".")
	keys, err := m.keys.ListKeysFiltered(ctx, stream+".>")
	if err != nil {
		return fmt.Errorf("bus: list marks of %s: %w", stream, err)
	}
	for key := range keys.Keys() {
		number, err := strconv.ParseUint(strings.TrimPrefix(key, m.life+"."), 10, 64)
		if strings.HasPrefix(key, m.life+".") && (err != nil || number >= first/marksPerChunk) {
			continue
		}
		if err := m.keys.Purge(ctx, key); err != nil {
			return fmt.Errorf("bus: forget %s: %w", key, err)
		}
		if err == nil {
			delete(m.chunks, number)
		}
	}
	return nil
}
