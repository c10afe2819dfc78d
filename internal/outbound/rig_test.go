package outbound_test

import (
	"context"
	"encoding/json"
	"errors"
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
	url   string
	bus   *bus.Bus
	sinks []outbound.Sink
}

func newRig(t *testing.T, sinks ...outbound.Sink) *rig {
	t.Helper()
	r := &rig{t: t, url: natstest.Start(t).ClientURL(), sinks: sinks}
	r.connect()
	topology := bus.DefaultTopology()
	for _, sink := range sinks {
		topology.Sinks = append(topology.Sinks, bus.Durable{Stream: sink.Stream(), Name: sink.Durable()})
	}
	if err := r.bus.Provision(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	return r
}

// connect opens a connection in place of the one before, as another process would.
func (r *rig) connect() {
	r.t.Helper()
	if r.bus != nil {
		r.bus.Close()
	}
	cfg := bus.DefaultConfig()
	cfg.URL = r.url
	var err error
	if r.bus, err = bus.Connect(cfg, slog.New(slog.DiscardHandler)); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(r.bus.Close)
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
		if err := subscriber.SubscribeInitialize(r.sinks[0].Name); !errors.Is(err, natspubsub.ErrClosed) {
			r.t.Errorf("the subscriber still works (%v): its last answers may not have reached the server", err)
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
