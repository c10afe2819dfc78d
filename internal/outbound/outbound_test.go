package outbound_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/internal/outbound"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

// target is a webhook that answers as it is told and remembers what it took.
type target struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(n int) (status int, header http.Header)
	posts  int
	taken  []string // plan ids
	keys   []string // idempotency keys
}

func newTarget(t *testing.T, answer func(n int) (int, http.Header)) *target {
	t.Helper()
	tg := &target{answer: answer}
	tg.Server = httptest.NewServer(http.HandlerFunc(tg.serve))
	t.Cleanup(tg.Close)
	return tg
}

func (tg *target) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var plan struct{ ID string }
	_ = json.Unmarshal(body, &plan)
	tg.mu.Lock()
	defer tg.mu.Unlock()
	tg.posts++
	status, header := tg.answer(tg.posts)
	maps.Copy(w.Header(), header)
	w.WriteHeader(status)
	if status < 300 {
		tg.taken = append(tg.taken, plan.ID)
		tg.keys = append(tg.keys, r.Header.Get("Idempotency-Key"))
	}
}

func (tg *target) got() (posts int, taken []string) {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	return tg.posts, slices.Sorted(slices.Values(tg.taken))
}

func always(status int) func(int) (int, http.Header) {
	return func(int) (int, http.Header) { return status, nil }
}

// rig is a provisioned NATS with sinks that can be started and stopped.
type rig struct {
	t     *testing.T
	bus   *bus.Bus
	sinks []outbound.Sink
}

func newRig(t *testing.T, sinks ...outbound.Sink) *rig {
	t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = natstest.Start(t).ClientURL()
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	topology := bus.DefaultTopology()
	for _, sink := range sinks {
		topology.Sinks = append(topology.Sinks, bus.Durable{Stream: sink.Stream(), Name: sink.Durable()})
	}
	if err := b.Provision(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, bus: b, sinks: sinks}
}

// start runs the sinks until stop is called.
func (r *rig) start() (stop func()) {
	r.t.Helper()
	named := map[string]outbound.Sink{}
	for _, sink := range r.sinks {
		named[sink.Name] = sink
	}
	in := natspubsub.DefaultSubscriberConfig()
	in.Stream = func(name string) string { return named[name].Stream() }
	in.Durable = func(name string) string { return named[name].Durable() }
	in.Backoff = func(*natspubsub.Delivery) time.Duration { return 50 * time.Millisecond }
	subscriber, err := natspubsub.NewSubscriber(r.bus.Conn(), in)
	if err != nil {
		r.t.Fatal(err)
	}
	out := natspubsub.DefaultPublisherConfig()
	dead, err := natspubsub.NewPublisher(r.bus.Conn(), out)
	if err != nil {
		r.t.Fatal(err)
	}
	out.Unstored = natspubsub.UnstoredSend
	publisher, err := natspubsub.NewPublisher(r.bus.Conn(), out)
	if err != nil {
		r.t.Fatal(err)
	}
	runner, err := outbound.New(outbound.Config{Sinks: r.sinks}, outbound.Deps{
		Subscriber: subscriber, Publisher: publisher, Dead: dead, Client: http.DefaultClient,
		Verdicts: expr.Verdict, Situations: expr.Situation, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	<-runner.Running()
	return func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("the sinks did not stop cleanly: %v", err)
		}
	}
}

func (r *rig) plans(from, to int) (ids []string) {
	r.t.Helper()
	var records []pipeline.Record
	for i := from; i < to; i++ {
		id := fmt.Sprintf("plan-%02d", i)
		ids = append(ids, id)
		data, err := json.Marshal(layers.Plan{ID: id, Event: layers.PlanProposed})
		if err != nil {
			r.t.Fatal(err)
		}
		records = append(records, pipeline.Record{Subject: "hal9.plans.proposed", ID: id + ".proposed", Data: data})
	}
	if err := r.bus.Publish(r.t.Context(), records); err != nil {
		r.t.Fatal(err)
	}
	return ids
}

// eventually waits until ok says yes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("it never came to this: " + what)
}

func TestWebhookGetsEachResultOnce(t *testing.T) {
	tg := newTarget(t, always(200))
	r := newRig(t, outbound.Sink{Name: "hook", On: outbound.OnPlans, Webhook: tg.URL})
	stop := r.start()
	want := r.plans(0, 40)
	eventually(t, "all plans taken", func() bool { _, taken := tg.got(); return len(taken) >= len(want) })
	stop()
	if _, taken := tg.got(); !slices.Equal(taken, want) {
		t.Errorf("taken %v, want each once", taken)
	}
	if tg.keys[0] == "" {
		t.Error("no Idempotency-Key came along")
	}
}

func TestTroubledTargetGetsEverythingAfterwards(t *testing.T) {
	var healed sync.Map
	tg := newTarget(t, func(int) (int, http.Header) {
		if _, ok := healed.Load(true); ok {
			return 200, nil
		}
		return 503, nil
	})
	r := newRig(t, outbound.Sink{Name: "hook", On: outbound.OnPlans, Webhook: tg.URL})
	stop := r.start()
	want := r.plans(0, 20)
	eventually(t, "the target was tried", func() bool { posts, _ := tg.got(); return posts >= 5 })
	time.Sleep(time.Second) // With the circuit open nothing may be posted.
	before, _ := tg.got()
	time.Sleep(time.Second)
	if after, _ := tg.got(); after > before {
		t.Errorf("%d posts went to a target that is left alone", after-before)
	}
	stop() // A restart in the middle loses nothing either.
	healed.Store(true, true)
	stop = r.start()
	eventually(t, "all plans taken", func() bool { _, taken := tg.got(); return len(taken) >= len(want) })
	stop()
	if _, taken := tg.got(); !slices.Equal(taken, want) {
		t.Errorf("taken %v, want each once", taken)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	var first, second time.Time
	tg := newTarget(t, func(n int) (int, http.Header) {
		if n == 1 {
			first = time.Now()
			return 429, http.Header{"Retry-After": {"2"}}
		}
		second = time.Now()
		return 200, nil
	})
	r := newRig(t, outbound.Sink{Name: "hook", On: outbound.OnPlans, Webhook: tg.URL})
	stop := r.start()
	r.plans(0, 1)
	eventually(t, "the plan taken", func() bool { _, taken := tg.got(); return len(taken) == 1 })
	stop()
	if wait := second.Sub(first); wait < 1800*time.Millisecond {
		t.Errorf("the second try came after %s, the target asked for 2s", wait)
	}
}

func TestRefusedResultBecomesADeadLetter(t *testing.T) {
	tg := newTarget(t, func(n int) (int, http.Header) { return map[bool]int{true: 400, false: 200}[n == 1], nil })
	r := newRig(t, outbound.Sink{Name: "hook", On: outbound.OnPlans, Webhook: tg.URL})
	stop := r.start()
	r.plans(0, 1)
	eventually(t, "the plan refused", func() bool { posts, _ := tg.got(); return posts == 1 })
	r.plans(1, 2)
	eventually(t, "its neighbour taken", func() bool { _, taken := tg.got(); return len(taken) == 1 })
	if err := r.bus.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.plans.proposed", ID: "rubbish", Data: []byte("rubbish")}}); err != nil {
		t.Fatal(err)
	}
	var letters []bus.Message
	eventually(t, "two dead letters", func() bool {
		letters = nil
		err := r.bus.Since(t.Context(), pipeline.StreamDead, time.Now().Add(-time.Hour), 100, func(m *bus.Message) { letters = append(letters, *m) })
		return err == nil && len(letters) == 2
	})
	stop()
	header := nats.Header(letters[0].Header)
	if letters[0].Subject != outbound.SubjectDead || header.Get("Hal9-Error") == "" || header.Get("Hal9-Layer") != "sink" ||
		header.Get("Hal9-Stream") != "HAL9_PLANS" || header.Get("Hal9-Seq") != "1" || header.Get("Hal9-Attempts") != "1" {
		t.Errorf("the letter on %s has headers %v", letters[0].Subject, header)
	}
	if string(letters[1].Data) != "rubbish" {
		t.Errorf("the second letter holds %q, want the original bytes", letters[1].Data)
	}
}

func TestSubjectSinkGetsWhatItsConditionWants(t *testing.T) {
	r := newRig(t, outbound.Sink{Name: "audit", On: outbound.OnVerdicts, When: `disposition == "dead"`, Subject: "audit.dead"})
	sub, err := r.bus.Conn().SubscribeSync("audit.dead")
	if err != nil {
		t.Fatal(err)
	}
	stop := r.start()
	defer stop()
	for i, disposition := range []layers.Disposition{layers.DispositionResolved, layers.DispositionDead, layers.DispositionFolded} {
		data, err := json.Marshal(layers.Verdict{SignalID: fmt.Sprint("s", i), Layer: layers.NameL3, Disposition: disposition})
		if err != nil {
			t.Fatal(err)
		}
		err = r.bus.Publish(t.Context(), []pipeline.Record{{
			Subject: pipeline.SubjectOfVerdict(layers.NameL3, disposition), ID: fmt.Sprint("v", i), Data: data,
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	msg, err := sub.NextMsg(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var v layers.Verdict
	if err := json.Unmarshal(msg.Data, &v); err != nil || v.SignalID != "s1" {
		t.Errorf("the sink got %s (%v), want the dead verdict", msg.Data, err)
	}
	if msg, err := sub.NextMsg(300 * time.Millisecond); err == nil {
		t.Errorf("the sink also got %s", msg.Data)
	}
}
