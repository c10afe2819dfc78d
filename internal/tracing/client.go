package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/2lab-ai/hal9/pipeline"
)

// How long one waits before a batch is tried again, and before a lost connection is.
const (
	retryFirst = 500 * time.Millisecond
	retryLast  = 5 * time.Second
)

// newClient returns OpenTelemetry's client, which reads where it sends to from the environment.
func newClient(cfg *Config) otlptrace.Client {
	if cfg.Protocol == ProtocolGRPC {
		wait := backoff.DefaultConfig
		wait.MaxDelay = retryLast
		return otlptracegrpc.NewClient(
			otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryLast, MaxElapsedTime: cfg.Patience}),
			otlptracegrpc.WithDialOption(grpc.WithConnectParams(grpc.ConnectParams{Backoff: wait, MinConnectTimeout: retryLast})))
	}
	return otlptracehttp.NewClient(
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryLast, MaxElapsedTime: cfg.Patience}))
}

// newResource says who sends: service hal9, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise.
func newResource(ctx context.Context, version string) (*resourcepb.Resource, error) {
	found, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "hal9"), attribute.String("service.version", version)),
		resource.WithHost(), resource.WithProcessPID(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("tracing: resource: %w", err)
	}
	r := &resourcepb.Resource{}
	for _, kv := range found.Attributes() {
		r.Attributes = append(r.Attributes, text(string(kv.Key), kv.Value.String()))
	}
	return r, nil
}

// upload sends spans, trying again until it worked, is refused or ctx ends.
func (e *Exporter) upload(ctx context.Context, spans []*tracepb.Span) error {
	payload := []*tracepb.ResourceSpans{{
		Resource: e.resource,
		ScopeSpans: []*tracepb.ScopeSpans{{
			Scope: &commonpb.InstrumentationScope{Name: "github.com/2lab-ai/hal9", Version: e.cfg.Version}, Spans: spans,
		}},
	}}
	for {
		err := e.client.UploadTraces(ctx, payload)
		if err == nil || !passes(err) {
			return err
		}
		if pause := pipeline.Pause(ctx, retryFirst); pause != nil {
			return err
		}
	}
}

// passes reports whether an error is one of the way, and not the receiver's refusal.
func passes(err error) bool {
	if _, ok := errors.AsType[*url.Error](err); ok || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Aborted:
		return true
	default:
		return false
	}
}
