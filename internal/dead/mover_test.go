package dead_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// counts is an Observer that counts.
type counts struct{ decided, final, dead atomic.Int64 }

func (c *counts) Decided(layers.Name, layers.Disposition, time.Duration, time.Duration) {
	c.decided.Add(1)
}
func (c *counts) Final(layers.Name, time.Duration) { c.final.Add(1) }
func (c *counts) Again(layers.Name)                {}
func (c *counts) Dead(layers.Name)                 { c.dead.Add(1) }
func (c *counts) Restarted(layers.Name)            {}
func (c *counts) Checkpointed(layers.Name, int)    {}

// startMover runs a mover without patience until the test ends.
func startMover(t *testing.T, b *bus.Bus) *counts {
	t.Helper()
	return startPatientMover(t, b, 0)
}

func startPatientMover(t *testing.T, b *bus.Bus, grace time.Duration) *counts {
	t.Helper()
	checkpoints, err := b.Checkpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	observed := &counts{}
	cfg := dead.MoverConfig{Partitions: 1, MaxRecordBytes: 1 << 20, Grace: grace, Pause: 100 * time.Millisecond}
	mover, err := dead.NewMover(t.Context(), cfg, dead.MoverDeps{
		Bus: b, Checkpoints: checkpoints, Observer: observed, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Decoder: func(layer layers.Name) pipeline.Decoder {
			if layer == layers.NameL1 {
				return reading{t}
			}
			return pipeline.Envelopes{}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { mover.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return observed
}

// bound has a layer's consumer give up after one delivery, as an operator may.
func bound(t *testing.T, b *bus.Bus, stream, durable string) jetstream.Consumer {
	t.Helper()
	return boundTo(t, b, stream, durable, 1)
}

func boundTo(t *testing.T, b *bus.Bus, stream, durable string, deliveries int) jetstream.Consumer {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(t.Context(), stream, durable)
	if err != nil {
		t.Fatal(err)
	}
	cfg := consumer.CachedInfo().Config
	cfg.MaxDeliver, cfg.AckWait = deliveries, 300*time.Millisecond
	if consumer, err = js.UpdateConsumer(t.Context(), stream, cfg); err != nil {
		t.Fatal(err)
	}
	return consumer
}

// takeAndForget takes n messages and never answers for them.
func takeAndForget(t *testing.T, consumer jetstream.Consumer, n int) (taken []jetstream.Msg) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); len(taken) < n && time.Now().Before(deadline); {
		batch, err := consumer.Fetch(n-len(taken), jetstream.FetchMaxWait(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for msg := range batch.Messages() {
			taken = append(taken, msg)
		}
	}
	if len(taken) != n {
		t.Fatalf("%d messages came, want %d", len(taken), n)
	}
	return taken
}

// TestMoverLeavesTimeToAnswer: whoever had the message, for the second time, may still answer.
func TestMoverLeavesTimeToAnswer(t *testing.T) {
	const grace = 2 * time.Second
	b, _ := provisioned(t)
	consumer := boundTo(t, b, "HAL9_L1", "l1", 2)
	publish(t, b, pipeline.Record{Subject: "hal9.signals.web", Data: []byte(`{"id":"gone"}`)})
	began := time.Now()
	takeAndForget(t, consumer, 2)
	if msg, err := consumer.Next(jetstream.FetchMaxWait(time.Second)); err == nil { // JetStream gives up where somebody asks for more.
		t.Fatalf("%s came a third time", msg.Data())
	}
	startPatientMover(t, b, grace)
	got := await(t, b, 1)
	if decided := got.verdicts["gone"].DecidedAt; decided.Sub(began) < grace {
		t.Errorf("it was buried after %s, want %s at least", decided.Sub(began), grace)
	}
	if want := "L1 HAL9_L1/1 after 2: JetStream gave up after 2 deliveries"; !strings.HasPrefix(got.letters["gone"], want) {
		t.Errorf("its letter says %q, want %q", got.letters["gone"], want)
	}
}

func TestMoverBuriesWhatL1IsNotGivenAgain(t *testing.T) {
	b, server := provisioned(t)
	consumer := bound(t, b, "HAL9_L1", "l1")
	publish(t, b,
		pipeline.Record{Subject: "hal9.signals.web", Data: []byte(`{"id":"gone","host":"web-1","message":"slow"}`)},
		pipeline.Record{Subject: "hal9.signals.web", ID: "broken", Data: []byte(`{"id":`)},
		pipeline.Record{Subject: "hal9.signals.web", Data: []byte(`{"id":"terminated"}`)},
		pipeline.Record{Subject: "hal9.signals.web", Data: []byte(`{"id":"answered"}`)},
		pipeline.Record{Subject: "hal9.signals.web", Data: []byte(`{"id":"handed-on"}`)},
		pipeline.Record{Subject: "hal9.signals.web", Data: []byte(`{"id":"settled"}`)},
	)
	taken := takeAndForget(t, consumer, 6)
	if err := taken[2].TermWithReason("not mine"); err != nil {
		t.Fatal(err)
	}
	// Whoever had these two has answered, without acknowledging.
	publish(t, b,
		pipeline.Record{Subject: "hal9.verdicts.L1.resolved", ID: pipeline.SignalID("web", "answered"), Data: []byte(`{"signal_id":"answered","source":"web"}`)},
		pipeline.Record{Subject: "hal9.l2.0", ID: pipeline.SignalID("web", "handed-on"), Data: []byte("envelope")},
	)
	if err := taken[5].DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}
	movers := []*counts{startMover(t, b), startMover(t, connect(t, server))} // Each process that runs L1 has one.
	got := await(t, b, 3)
	const gaveUp = "JetStream gave up after 1 deliveries that nobody acknowledged: consumer l1 has a bound on deliveries"
	for id, want := range map[string]string{
		"gone": "L1 HAL9_L1/1 after 1: " + gaveUp, "broken": "L1 HAL9_L1/2 after 1: " + gaveUp,
		"terminated": "L1 HAL9_L1/3 after 1: terminated by a consumer: not mine",
	} {
		if got.letters[id] != want {
			t.Errorf("letter on %s says %q, want %q", id, got.letters[id], want)
		}
		if v := got.verdicts[id]; v.Disposition != layers.DispositionDead || v.Layer != layers.NameL1 || !strings.HasSuffix(want, v.Reason) || v.Source != "web" {
			t.Errorf("verdict on %s: %+v", id, v)
		}
	}
	waitQuiet(t, b)
	if got = outcomes(t, b); len(got.letters) != 3 || len(got.verdicts) != 4 {
		t.Errorf("%d letters and %d verdicts, want 3 and 4: %v", len(got.letters), len(got.verdicts), got)
	}
	if n := movers[0].dead.Load() + movers[1].dead.Load(); n != 3 {
		t.Errorf("%d dead signals were counted, want 3", n)
	}
	shelf := open(t, b)
	seqs, err := shelf.Find(t.Context(), "gone")
	if err != nil {
		t.Fatal(err)
	}
	letter, err := shelf.Letter(t.Context(), seqs[0])
	if err != nil || string(letter.Data) != `{"id":"gone","host":"web-1","message":"slow"}` {
		t.Errorf("the letter holds %q (%v), want the original", letter.Data, err)
	}
}

// waitQuiet waits until no advisory is left.
func waitQuiet(t *testing.T, b *bus.Bus) {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		consumer, err := js.Consumer(t.Context(), pipeline.StreamAdvisories, pipeline.DurableAdvisories)
		if err != nil {
			t.Fatal(err)
		}
		info := consumer.CachedInfo()
		if info.NumPending == 0 && info.NumAckPending == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond) // The mover works in the background.
	}
	t.Fatal("advisories are left")
}

// TestMoverWaitsForKeyedStages has JetStream give up on messages of L3. Its stage reads on from a checkpoint
// whatever JetStream thinks, so that only what lies behind the checkpoint can be lost.
func TestMoverWaitsForKeyedStages(t *testing.T) {
	b, _ := provisioned(t)
	consumer := bound(t, b, "HAL9_L3", "l3")
	for _, id := range []string{"lost", "flagged", "waiting"} {
		e := climber()
		e.ID = id
		data, err := pipeline.NewPack(e)
		if err != nil {
			t.Fatal(err)
		}
		publish(t, b, pipeline.Record{Subject: "hal9.l3.0", ID: pipeline.SignalID("shop", id), Data: data})
	}
	takeAndForget(t, consumer, 3)
	flagged := climber()
	flagged.ID = "flagged"
	handedOn, err := pipeline.PackFrom(pipeline.Sender{Layer: layers.NameL3}, flagged)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, pipeline.Record{Subject: "hal9.l3.0", Data: handedOn})
	checkpoints, err := b.Checkpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stage := pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}
	if _, err := checkpoints.Save(t.Context(), stage.Name(), pipeline.Checkpoint{Offset: 2}); err != nil {
		t.Fatal(err)
	}
	startMover(t, b)
	got := await(t, b, 1)
	if !strings.HasPrefix(got.letters["lost"], "L3 HAL9_L3/1 after 1: JetStream gave up") || got.verdicts["lost"].Layer != layers.NameL3 {
		t.Errorf("letters %v, verdicts %v", got.letters, got.verdicts)
	}
	time.Sleep(1500 * time.Millisecond) // The advisory on the third comes again meanwhile.
	if got = outcomes(t, b); len(got.letters) != 1 || len(got.verdicts) != 1 {
		t.Errorf("letters %v, verdicts %v, want those on the lost signal alone", got.letters, got.verdicts)
	}
	if _, err := checkpoints.Save(t.Context(), stage.Name(), pipeline.Checkpoint{Offset: 3, Revision: 1}); err != nil {
		t.Fatal(err)
	}
	if got = await(t, b, 2); got.letters["waiting"] == "" {
		t.Errorf("letters %v, want one on the signal that the stage has passed over", got.letters)
	}
	waitQuiet(t, b)
}

// TestMoverLeavesOthersAlone has a foreign consumer give up on a signal, and one of a sink on a verdict.
func TestMoverLeavesOthersAlone(t *testing.T) {
	b, _ := provisioned(t)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{"HAL9_L1", "HAL9_VERDICTS"} {
		cfg := jetstream.ConsumerConfig{Durable: "other", AckPolicy: jetstream.AckExplicitPolicy}
		if _, err := js.CreateConsumer(t.Context(), stream, cfg); err != nil {
			t.Fatal(err)
		}
		publish(t, b, pipeline.Record{Subject: map[string]string{"HAL9_L1": "hal9.signals.a", "HAL9_VERDICTS": "hal9.verdicts.L1.resolved"}[stream], Data: []byte("{}")})
		takeAndForget(t, bound(t, b, stream, "other"), 1)
	}
	publish(t, b, pipeline.Record{Subject: "hal9.signals.a", Data: []byte("x")})
	waitAdvisories(t, js, 2)
	startMover(t, b)
	waitQuiet(t, b)
	if got := outcomes(t, b); len(got.letters) != 0 {
		t.Errorf("letters %v, want none", got.letters)
	}
}

// waitAdvisories waits until JetStream has said something n times.
func waitAdvisories(t *testing.T, js jetstream.JetStream, n uint64) {
	t.Helper()
	for range 300 {
		stream, err := js.Stream(t.Context(), pipeline.StreamAdvisories)
		if err != nil {
			t.Fatal(err)
		}
		if stream.CachedInfo().State.LastSeq >= n {
			return
		}
		time.Sleep(50 * time.Millisecond) // Until the ack wait is over.
	}
	t.Fatalf("there are no %d advisories", n)
}
