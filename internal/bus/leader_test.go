package bus

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// TestWhereAStageBeginsIsAskedOfTheLeader watches what is asked of any replica while a stage that was here before loads its checkpoint and opens its
// source, and while L1 asks what is the scout's: the parts of a snapshot alone, which have a checksum.
func TestWhereAStageBeginsIsAskedOfTheLeader(t *testing.T) {
	b := served(t)
	key := pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}
	c := checkpointsOf(t, b)
	if _, err := c.Save(t.Context(), key.Name(), pipeline.Checkpoint{Offset: 1, State: []byte("state")}); err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("x"), b.MaxPayload()-4096) // An answer in JSON takes more than one message may.
	for _, data := range [][]byte{[]byte("settled"), large, []byte("last")} {
		if err := b.Publish(t.Context(), []pipeline.Record{{Subject: pipeline.SubjectOf(key.Layer, 0), Data: data}}); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var asked []string
	if _, err := b.nc.Subscribe("$JS.API.DIRECT.GET.>", func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, m.Subject)
	}); err != nil {
		t.Fatal(err)
	}
	cp, err := c.Load(t.Context(), key.Name())
	if err != nil {
		t.Fatal(err)
	}
	if state, err := c.State(t.Context(), key.Name()); err != nil || string(state) != "state" {
		t.Errorf("state %q, %v", state, err)
	}
	source, backlog, err := b.Open(t.Context(), key, cp.Offset)
	if err != nil {
		t.Fatal(err)
	}
	source.Close()
	if backlog.Empty || backlog.First != 2 || backlog.Last != 3 || backlog.Oldest.IsZero() || backlog.Born.IsZero() {
		t.Errorf("backlog %+v, want 2 to 3 with their times", backlog)
	}
	if noted, err := b.noteDelivered(t.Context(), 7, true); err != nil || noted != 7 {
		t.Errorf("noted %d, %v", noted, err)
	}
	if noted, err := b.noteDelivered(t.Context(), 5, true); err != nil || noted != 7 {
		t.Errorf("noted %d, %v", noted, err)
	}
	scout, err := b.Scout(t.Context())
	if err == nil {
		_, err = scout.SetRange(t.Context(), pipeline.ScoutRange{From: 3})
	}
	if err != nil {
		t.Fatal(err)
	}
	if r, err := scout.Range(t.Context()); err != nil || r.From != 3 {
		t.Errorf("range %+v, %v", r, err)
	}
	if holds, err := c.scoutHolds(t.Context()); err != nil || holds != 3 {
		t.Errorf("the scout needs %d, %v", holds, err)
	}
	if err := b.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"$JS.API.DIRECT.GET.OBJ_" + pipeline.BucketSnapshots}; !slices.Equal(asked, want) {
		t.Errorf("asked of any replica: %q, want %q", asked, want)
	}
}

// TestLeaderSaysWhatIsNotThere asks for what was never there, or is no more.
func TestLeaderSaysWhatIsNotThere(t *testing.T) {
	b := served(t)
	if _, err := b.fromLeader(t.Context(), "NOTHING", question{Seq: 1}); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("a stream: %v", err)
	}
	if _, err := b.fromLeader(t.Context(), pipeline.StreamVerdicts, question{Seq: 1, Next: ">"}); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("a message: %v", err)
	}
	keys, err := b.js.KeyValue(t.Context(), pipeline.BucketCheckpoints)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Put(t.Context(), "gone", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := keys.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"never", "gone"} {
		if entry, err := b.checkpointed(t.Context(), key); err != nil || entry != nil {
			t.Errorf("%s: %+v, %v", key, entry, err)
		}
	}
}

// TestTornObjectIsRefused takes parts out of snapshots, or puts others in their place: such a state must not begin a life.
func TestTornObjectIsRefused(t *testing.T) {
	b := served(t)
	objects, err := b.js.ObjectStore(t.Context(), pipeline.BucketSnapshots)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := b.js.Stream(t.Context(), "OBJ_"+pipeline.BucketSnapshots)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		size int
		tear func(parts string) error
	}{
		"a part is missing": {300 << 10, func(parts string) error {
			first, err := b.fromLeader(t.Context(), "OBJ_"+pipeline.BucketSnapshots, question{Seq: 1, Next: parts})
			if err != nil {
				return err
			}
			return stream.DeleteMsg(t.Context(), first.Seq)
		}},
		"all are missing": {1, func(parts string) error { return stream.Purge(t.Context(), jetstream.WithPurgeSubject(parts)) }},
		"another part": {1, func(parts string) error {
			if err := stream.Purge(t.Context(), jetstream.WithPurgeSubject(parts)); err != nil {
				return err
			}
			_, err := b.js.Publish(t.Context(), parts, []byte("?"))
			return err
		}},
	} {
		info, err := objects.PutBytes(t.Context(), "x", bytes.Repeat([]byte("x"), c.size))
		if err != nil {
			t.Fatal(err)
		}
		if data, err := b.object(t.Context(), pipeline.BucketSnapshots, "x"); err != nil || len(data) != c.size {
			t.Fatalf("%s: %d bytes, %v, want %d", name, len(data), err, c.size)
		}
		if err := c.tear("$O." + pipeline.BucketSnapshots + ".C." + info.NUID); err != nil {
			t.Fatal(err)
		}
		if data, err := b.object(t.Context(), pipeline.BucketSnapshots, "x"); err == nil {
			t.Errorf("%s: it reads %d bytes", name, len(data))
		}
	}
}
