package e2e_test

import (
	"context"
	"encoding/hex"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// spanSink takes traces as a collector does.
type spanSink struct {
	collector.UnimplementedTraceServiceServer

	mu    sync.Mutex
	spans []*tracepb.Span
}

func (s *spanSink) Export(_ context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range req.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			s.spans = append(s.spans, scope.GetSpans()...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// roots returns the spans that stand for signals, by signal id.
func (s *spanSink) roots() map[string][]*tracepb.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := map[string][]*tracepb.Span{}
	for _, span := range s.spans {
		for _, attribute := range span.GetAttributes() {
			if attribute.GetKey() == "hal9.signal_id" {
				id := attribute.GetValue().GetStringValue()
				list[id] = append(list[id], span)
			}
		}
	}
	return list
}

func (s *spanSink) await(t *testing.T, id string) *tracepb.Span {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if list := s.roots()[id]; len(list) > 0 {
			return list[0]
		}
	}
	t.Fatalf("no trace of signal %s; there are %d", id, len(s.roots()))
	return nil
}

// TestTracesReachACollector shows that a process with OpenTelemetry's variables sends the way of its signals, as part of the sender's trace
// where there is one, and nothing twice after a restart.
func TestTracesReachACollector(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sink, server := &spanSink{}, grpc.NewServer()
	collector.RegisterTraceServiceServer(server, sink)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+listener.Addr().String())
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_on")

	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	data := t.TempDir()
	p := up(t, data)
	_, js := dial(t, p.NATS)
	publish(t, js, &nats.Msg{
		Subject: "hal9.signals.shop", Header: nats.Header{"traceparent": {"00-" + trace + "-" + span + "-01"}},
		Data: []byte(`{"id":"traced","subject":"db-1","severity":"critical","message":"disk is full"}`),
	})
	publish(t, js, &nats.Msg{Subject: "hal9.signals.shop", Data: []byte(`{"id":"plain","subject":"db-1","message":"all is well"}`)})
	traced, plain := sink.await(t, "traced"), sink.await(t, "plain")
	if got := hex.EncodeToString(traced.GetTraceId()); got != trace {
		t.Errorf("the trace is %s, want the sender's", got)
	}
	if got := hex.EncodeToString(traced.GetParentSpanId()); got != span {
		t.Errorf("the parent is %q, want the sender's span", got)
	}
	if len(plain.GetParentSpanId()) != 0 || len(plain.GetTraceId()) != 16 {
		t.Errorf("a signal without a sender's trace has %v", plain)
	}
	p.stop(t)
	p = up(t, data)
	_, js = dial(t, p.NATS)
	publish(t, js, &nats.Msg{Subject: "hal9.signals.shop", Data: []byte(`{"id":"later","subject":"db-1","message":"all is well"}`)})
	sink.await(t, "later")
	for id, spans := range sink.roots() {
		if len(spans) != 1 {
			t.Errorf("%s was sent %d times", id, len(spans))
		}
	}
	p.stop(t)
}
