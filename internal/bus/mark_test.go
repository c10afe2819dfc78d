package bus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

func marksOf(t *testing.T, b *bus.Bus) *bus.Marks {
	t.Helper()
	marks, err := b.Marks(t.Context(), pipeline.StreamDead)
	if err != nil {
		t.Fatal(err)
	}
	return marks
}

func TestMarksAreRemembered(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	// The marks of 65,536 messages lie together: begin shortly before the border.
	stream, err := js.Stream(t.Context(), pipeline.StreamDead)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(65_530)); err != nil {
		t.Fatal(err)
	}
	shelve(t, b, 0, 20)
	first, last, err := b.Extent(t.Context(), pipeline.StreamDead)
	if err != nil {
		t.Fatal(err)
	}
	if first > 65_535 || last < 65_536 {
		t.Fatalf("messages %d to %d do not lie on the border", first, last)
	}
	marks := marksOf(t, b)
	if marks.Has(first) || marks.Unmarked(first) != first || marks.Count(first, last) != 0 {
		t.Error("a new stream has marks")
	}
	if err := marks.Add(t.Context(), first, first+1, first+2, last); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	server.Restart(t)
	again := marksOf(t, connect(t, server))
	for seq := first; seq <= last; seq++ {
		if want := seq <= first+2 || seq == last; again.Has(seq) != want {
			t.Errorf("message %d: marked %t, want %t", seq, again.Has(seq), want)
		}
	}
	if again.Unmarked(first) != first+3 || again.Count(first, last) != 4 || again.Count(first+1, last-1) != 2 {
		t.Errorf("unmarked from %d, %d marks", again.Unmarked(first), again.Count(first, last))
	}
}

func TestMarksHaveOneWriter(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	shelve(t, b, 0, 3)
	one, other := marksOf(t, b), marksOf(t, b)
	if err := one.Add(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := other.Add(t.Context(), 2); !errors.Is(err, bus.ErrTakenOver) {
		t.Errorf("a second writer is told %v", err)
	}
	if marks := marksOf(t, b); !marks.Has(1) || marks.Has(2) {
		t.Error("the second writer has overwritten the first")
	}
	if note, _, err := one.Note(t.Context()); note != nil || err != nil {
		t.Errorf("a note that nobody wrote: %q, %v", note, err)
	}
	before := time.Now().Add(-time.Second)
	if err := one.SetNote(t.Context(), []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := other.SetNote(t.Context(), []byte("second")); !errors.Is(err, bus.ErrTakenOver) {
		t.Errorf("a second writer of the note is told %v", err)
	}
	if err := one.SetNote(t.Context(), []byte("third")); err != nil {
		t.Fatal(err)
	}
	note, at, err := marksOf(t, b).Note(t.Context())
	if string(note) != "third" || at.Before(before) || err != nil {
		t.Errorf("note %q of %s, %v", note, at, err)
	}
}

// TestMarksOfARemadeStreamDoNotCount gives a stream's sequences out a second time.
func TestMarksOfARemadeStreamDoNotCount(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	shelve(t, b, 0, 3)
	old := marksOf(t, b)
	if err := old.Add(t.Context(), 1, 2); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), pipeline.StreamDead); err != nil {
		t.Fatal(err)
	}
	if err := b.Provision(t.Context(), bus.DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	shelve(t, b, 10, 13)
	marks := marksOf(t, b)
	if marks.Count(1, 3) != 0 {
		t.Error("the new stream begins with marks")
	}
	if err := marks.Add(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if err := marks.Forget(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	bucket, err := js.KeyValue(t.Context(), pipeline.BucketRedriven)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := bucket.Keys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Errorf("keys %v (%v), want those of the new stream alone", keys, err)
	}
	if marks = marksOf(t, b); !marks.Has(3) {
		t.Error("a mark was forgotten that counts")
	}
}

func TestMarksOfMessagesThatAreGoneAreForgotten(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	shelve(t, b, 0, 1)
	marks := marksOf(t, b)
	if err := marks.Add(t.Context(), 1, 70_000, 140_000); err != nil {
		t.Fatal(err)
	}
	if err := marks.Forget(t.Context(), 70_000); err != nil {
		t.Fatal(err)
	}
	if marks.Has(1) || !marks.Has(70_000) || !marks.Has(140_000) {
		t.Error("want the first mark forgotten and the others kept")
	}
}
