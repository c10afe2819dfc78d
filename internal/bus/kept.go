package bus

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Kept is what a stream of results keeps.
type Kept struct {
	Counts  map[string]uint64 // messages by what follows root in their subjects: "L1.resolved" below hal9.verdicts
	Dropped bool              // there were older ones
}

// Kept counts the messages that a stream keeps below root. JetStream has these numbers at hand, whatever the size of the stream.
func (b *Bus) Kept(ctx context.Context, stream, root string) (Kept, error) {
	s, err := b.stream(ctx, stream)
	if err != nil {
		return Kept{}, err
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(root+".>"))
	if err != nil {
		return Kept{}, fmt.Errorf("bus: count %s: %w", stream, err)
	}
	kept := Kept{Counts: make(map[string]uint64, len(info.State.Subjects)), Dropped: info.State.FirstSeq > 1}
	for subject, n := range info.State.Subjects {
		kept.Counts[strings.TrimPrefix(subject, root+".")] = n
	}
	return kept, nil
}

// StoreBytes returns how much the streams of this account take on the disk.
func (b *Bus) StoreBytes(ctx context.Context) (uint64, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	info, err := b.js.AccountInfo(ctx)
	if err != nil {
		return 0, fmt.Errorf("bus: store: %w", err)
	}
	return info.Store, nil
}
