package tracing

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// receiver is what collectors are: OTLP over gRPC, and over HTTP.
type receiver struct {
	collector.UnimplementedTraceServiceServer

	mu       sync.Mutex
	spans    []*tracepb.Span
	resource map[string]string
	headers  []string // authorization of each request
	refuse   error
}

func (r *receiver) Export(ctx context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return nil, r.refuse
	}
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		r.headers = append(r.headers, md.Get("authorization")...)
	}
	for _, rs := range req.GetResourceSpans() {
		r.resource = map[string]string{}
		for _, kv := range rs.GetResource().GetAttributes() {
			r.resource[kv.GetKey()] = kv.GetValue().GetStringValue()
		}
		for _, scope := range rs.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// ServeHTTP takes what comes by HTTP.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	message := &collector.ExportTraceServiceRequest{}
	if err != nil || req.URL.Path != "/v1/traces" || proto.Unmarshal(body, message) != nil {
		http.Error(w, "no traces", http.StatusBadRequest)
		return
	}
	if _, err := r.Export(req.Context(), message); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// serve listens on an address until the test ends or stop is called.
func (r *receiver) serve(t *testing.T, address string) (endpoint string, stop func()) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, r)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	stop = sync.OnceFunc(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return "http://" + listener.Addr().String(), stop
}

func (r *receiver) all() []*tracepb.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*tracepb.Span(nil), r.spans...)
}

// rig is a provisioned NATS and a receiver.
type rig struct {
	*receiver
	bus  *bus.Bus
	stop func() // the receiver
	addr string // of the receiver
}

func newRig(t *testing.T) *rig {
	t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = natstest.Start(t).ClientURL()
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Provision(t.Context(), bus.DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	r := &rig{receiver: &receiver{}, bus: b}
	endpoint, stop := r.serve(t, "127.0.0.1:0")
	r.stop, r.addr = stop, endpoint[len("http://"):]
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
	return r
}

// overHTTP serves the same receiver by HTTP.
func (r *rig) overHTTP(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(r.receiver)
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
}

// config traces everything over gRPC, and gives up soon.
func config() Config {
	cfg := DefaultConfig()
	cfg.Protocol, cfg.Sampler, cfg.Patience = ProtocolGRPC, trace.AlwaysSample(), time.Second
	cfg.Rate = 10_000
	return cfg
}

// export runs an exporter until the returned function is called or the test ends.
func (r *rig) export(t *testing.T, cfg Config) (e *Exporter, stop func()) {
	t.Helper()
	e, err := New(t.Context(), cfg, Deps{Bus: r.bus, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); e.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return e, stop
}

// decide stores verdicts as the pipeline does.
func (r *rig) decide(t *testing.T, parent string, list ...layers.Verdict) {
	t.Helper()
	var records []pipeline.Record
	for i := range list {
		v := &list[i]
		trace := parent
		if trace == "" {
			trace = pipeline.TraceParentOf(v.Source, v.SignalID)
		}
		v.TraceID = trace[3:35]
		data, err := encode(v)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, pipeline.Record{
			Subject: pipeline.SubjectOfVerdict(v.Layer, v.Disposition), ID: pipeline.SignalID(v.Source, v.SignalID), Trace: trace, Data: data,
		})
	}
	if err := r.bus.Publish(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

// await waits until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// verdict is one of L3's on signal n.
func verdict(n int) layers.Verdict {
	received := time.Date(2026, 11, 26, 22, 0, 0, 1000, time.UTC)
	return layers.Verdict{
		SignalID: fmt.Sprintf("s-%d", n), Source: "shop", Key: "db-1", Layer: layers.NameL3, Disposition: layers.DispositionFolded,
		Reason: "a spike", Rule: "r1", TemplateID: "t1", Anomaly: 0.75, SituationID: "sit-1", Severity: layers.SeverityError,
		EventTime: received, ReceivedAt: received, DecidedAt: received.Add(5 * time.Millisecond),
		Hops: []layers.Hop{
			{Layer: layers.NameL1, WaitUS: 100, ProcessUS: 20},
			{Layer: layers.NameL2, WaitUS: 300, ProcessUS: 40},
			{Layer: layers.NameL3, WaitUS: 500, ProcessUS: 60},
		},
	}
}

// roots returns the signals' spans by signal id, and how often each came.
func (r *receiver) roots() map[string]int {
	list := map[string]int{}
	for _, s := range r.all() {
		if id := attributeOf(s, "hal9.signal_id"); id != "" {
			list[id]++
		}
	}
	return list
}

func attributeOf(s *tracepb.Span, key string) string {
	for _, kv := range s.GetAttributes() {
		if kv.GetKey() == key {
			return kv.GetValue().GetStringValue()
		}
	}
	return ""
}
