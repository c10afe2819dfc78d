package scaling_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// pair starts two scalers, of which the first decides.
func pair(t *testing.T, b *bus.Bus, server *natstest.Server, is func(d *policy.Decision) bool) []*running {
	t.Helper()
	first := start(t, b, config(1), "one")
	first.wants(t, layers.NameL3, is)
	second := start(t, connect(t, server), config(1), "two")
	second.wants(t, layers.NameL3, is)
	return []*running{first, second}
}

// TestMissingConsumerIsAnError: for its layer, by whichever scaler is asked, at once, and until it is there again.
func TestMissingConsumerIsAnError(t *testing.T) {
	t.Parallel()
	b, server := provisioned(t)
	want := publish(t, b, 60, 100)
	scalers := pair(t, b, server, func(d *policy.Decision) bool { return d.Reading.Waiting == want && d.Wanted == 2 })
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteConsumer(t.Context(), "HAL9_L3_02", "l3-02"); err != nil {
		t.Fatal(err)
	}
	const cause = "consumer l3-02 on stream HAL9_L3_02 is missing: run `hal9 provision"
	for _, r := range scalers {
		until(t, "an error that names the consumer", func() bool {
			_, err = r.Board().Decision(layers.NameL3)
			if err != nil && strings.Contains(err.Error(), "old") {
				t.Fatalf("not at once: %v", err)
			}
			return err != nil && strings.Contains(err.Error(), "L3 can't be measured: ") && strings.Contains(err.Error(), cause)
		})
		if _, err := r.Board().Decision(layers.NameL4); err != nil {
			t.Errorf("another layer: %v", err)
		}
	}
	var last policy.Decision
	until(t, "the failure in the stream", func() bool {
		all := stored(t, b, layers.NameL3)
		last = all[len(all)-1]
		return last.Error != ""
	})
	if !strings.Contains(last.Error, cause) || !last.Missing || last.Wanted != 2 || last.Rate != 100 || last.Term != "" || last.Reading != (policy.Reading{}) {
		t.Errorf("stored: %+v", last)
	}
	provision(t, b)
	for _, r := range scalers {
		r.wants(t, layers.NameL3, anyDecision)
	}
}

// TestServesWhatItCantStore: the stream of decisions is gone, while scalers run and when one starts. Numbers are served, by all.
func TestServesWhatItCantStore(t *testing.T) {
	t.Parallel()
	b, server := provisioned(t)
	want := publish(t, b, 60, 100)
	isTwo := func(d *policy.Decision) bool { return d.Reading.Waiting == want && d.Wanted == 2 }
	scalers := pair(t, b, server, isTwo)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), pipeline.StreamScaling); err != nil {
		t.Fatal(err)
	}
	third := start(t, connect(t, server), config(1), "three")
	third.wants(t, layers.NameL3, isTwo)
	scalers = append(scalers, third)
	for end := time.Now().Add(2 * config(1).Fresh); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for i, r := range scalers {
			if _, err := r.Board().Decision(layers.NameL3); err != nil {
				t.Fatalf("scaler %d without the stream: %v", i+1, err)
			}
		}
	}
	want += publish(t, b, 60, 100)
	isThree := func(d *policy.Decision) bool { return d.Reading.Waiting == want && d.Wanted == 3 } // Three partitions have work.
	var asked time.Time
	for _, r := range scalers {
		d := r.wants(t, layers.NameL3, isThree)
		asked = d.Asked
	}
	scalers[0].stop()
	stopped := time.Now()
	for _, r := range scalers[1:] {
		d := r.wants(t, layers.NameL3, func(d *policy.Decision) bool { return isThree(d) && d.At.After(stopped) })
		if !d.Asked.Equal(asked) {
			t.Errorf("the successor knows nothing of what it heard: it asked at %s, its predecessor at %s", d.Asked, asked)
		}
	}
	provision(t, b)
	until(t, "decisions are stored again", func() bool { return len(stored(t, b, layers.NameL3)) > 0 })
}

// TestBeginsWithoutAPredecessor: the first scaler of all, and no stream.
func TestBeginsWithoutAPredecessor(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), pipeline.StreamScaling); err != nil {
		t.Fatal(err)
	}
	want := publish(t, b, 60, 100)
	start(t, b, config(1), "one").wants(t, layers.NameL3, func(d *policy.Decision) bool { return d.Reading.Waiting == want && d.Wanted == 2 })
}
