// Package tracing sends the way of signals through the layers to a tracing system, over OTLP.
//
// It is no part of the pipeline: exporters read verdicts, which carry hops and times, through a consumer that all of them share. So a
// tracing system that is slow or away delays no signal, and a signal's trace is sent by one process. What waits to be sent waits in the
// stream; an exporter holds one batch. Span ids are made from the signal, so that a trace that is sent again after a crash is the same.
package tracing

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"
)

// Protocol is how traces are sent.
type Protocol string

// The protocols of OTLP.
const (
	ProtocolGRPC Protocol = "grpc"
	ProtocolHTTP Protocol = "http/protobuf"
	ProtocolJSON Protocol = "http/json"
)

// Config says what is traced and where it goes. What concerns the connection alone (endpoint, headers, certificates, timeouts,
// compression) is read by OpenTelemetry's client from OTEL_EXPORTER_OTLP_*.
type Config struct {
	Protocol Protocol      // default http/protobuf
	Sampler  trace.Sampler // default: one in 100, and what the sender traces
	Serious  bool          // trace what reached L3 or died whatever the sampler says; default true
	Rate     float64       // bound, traces per second, of the serious and of the others each; default 100
	MaxAge   time.Duration // what waited longer is not sent any more; default 15 minutes
	Patience time.Duration // how long a batch is tried; default 30 seconds
	Version  string        // of HAL9, for the resource
}

// defaultRatio is the share of signals that are traced where nobody says.
const defaultRatio = 0.01

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		Protocol: ProtocolHTTP, Sampler: trace.ParentBased(trace.TraceIDRatioBased(defaultRatio)), Serious: true,
		Rate: 100, MaxAge: 15 * time.Minute, Patience: 30 * time.Second,
	}
}

// Validate reports every impossible value.
func (c *Config) Validate() error {
	var problems []error
	switch c.Protocol {
	case ProtocolGRPC, ProtocolHTTP, ProtocolJSON:
	default:
		problems = append(problems, fmt.Errorf("tracing: protocol %q: want grpc, http/protobuf or http/json", c.Protocol))
	}
	if c.Sampler == nil {
		problems = append(problems, errors.New("tracing: no sampler"))
	}
	if !(c.Rate > 0) {
		problems = append(problems, fmt.Errorf("tracing: rate %v: want more than 0 traces per second", c.Rate))
	}
	if c.MaxAge <= 0 || c.Patience <= 0 || c.Patience > maxPatience {
		problems = append(problems, fmt.Errorf("tracing: age %s and patience %s: want more than 0, and a patience of at most %s",
			c.MaxAge, c.Patience, maxPatience))
	}
	return errors.Join(problems...)
}
