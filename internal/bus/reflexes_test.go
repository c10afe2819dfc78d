package bus

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/pipeline"
)

func openReflexes(t *testing.T) *Reflexes {
	t.Helper()
	cfg := DefaultConfig()
	cfg.URL = natstest.Start(t).ClientURL()
	b, err := Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Provision(t.Context(), DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	r, err := b.Reflexes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestStormOfAlertsLeavesRoomForSilences fills the bucket of alerts.
func TestStormOfAlertsLeavesRoomForSilences(t *testing.T) {
	r := openReflexes(t)
	full := false
	for i := 0; i < 40 && !full; i++ {
		var storm []Reflex
		for j := range 128 {
			storm = append(storm, Reflex{Name: fmt.Sprint("alert.", i, "-", j), Data: bytes.Repeat([]byte("a"), 8<<10), TTL: reflexMarks})
		}
		full = r.Put(t.Context(), storm...) != nil
	}
	if !full {
		t.Fatal("the bucket takes 40 MiB")
	}
	if err := r.Put(t.Context(), Reflex{Name: "silence.s", Data: []byte("{}"), TTL: reflexMarks}, Reflex{Name: "ack.a", Data: []byte("{}"), TTL: reflexMarks}); err != nil {
		t.Error(err)
	}
	var got []string
	err := r.Read(t.Context(), func(e Reflex) { got = append(got, e.Name) }, "silence.>", "ack.>")
	if diff := cmp.Diff([]string{"silence.s", "ack.a"}, got); diff != "" || err != nil {
		t.Errorf("what people said (-want +got):\n%s%v", diff, err)
	}
}

// TestReviewNoticesWhatWasTakenBackUnheard has silences go without a mark, as after an hour.
func TestReviewNoticesWhatWasTakenBackUnheard(t *testing.T) {
	r := openReflexes(t)
	heard := said{names: map[string]struct{}{}}
	for _, name := range []string{"silence.kept", "silence.gone", "ack.lifted"} {
		e := Reflex{Name: name, Data: []byte("{}"), TTL: reflexMarks}
		if err := r.Put(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		heard.note(e)
	}
	s, err := r.bus.stream(t.Context(), "KV_"+pipeline.BucketSilences)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context(), jetstream.WithPurgeSubject(reflexSubject(pipeline.BucketSilences, "silence.gone"))); err != nil {
		t.Fatal(err)
	}
	if err := r.Put(t.Context(), Reflex{Name: "ack.lifted"}); err != nil {
		t.Fatal(err)
	}
	gone := map[string]bool{}
	if err := r.review(t.Context(), &heard, func(e Reflex) { gone[e.Name] = e.Data == nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{"silence.gone": true, "ack.lifted": true}, gone); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
	if left := heard.all(); len(left) != 1 {
		t.Errorf("%v are known still, want the one that is there", left)
	}
}

// TestDeleteLeavesWhatTookItsPlace has somebody store another entry before the old one is deleted, and while it is.
func TestDeleteLeavesWhatTookItsPlace(t *testing.T) {
	r := openReflexes(t)
	put := func(text string) {
		t.Helper()
		if err := r.Put(t.Context(), Reflex{Name: "ack.a", Data: []byte(text), TTL: reflexMarks}); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(means func([]byte) bool) (left string) {
		t.Helper()
		if err := r.Delete(t.Context(), "ack.a", means); err != nil {
			t.Fatal(err)
		}
		if err := r.Read(t.Context(), func(e Reflex) { left = string(e.Data) }, "ack.>"); err != nil {
			t.Fatal(err)
		}
		return left
	}
	old := func(data []byte) bool { return string(data) == "old" }
	if left := remove(old); left != "" {
		t.Errorf("of nothing %q is left", left)
	}
	put("new")
	if left := remove(old); left != "new" {
		t.Errorf("%q is left, want the new one", left)
	}
	put("old")
	if left := remove(func([]byte) bool { put("newer"); return true }); left != "newer" {
		t.Errorf("%q is left, want the one stored meanwhile", left)
	}
	put("old")
	if left := remove(old); left != "" {
		t.Errorf("%q is left, want nothing", left)
	}
}
