package tracing

import (
	"strings"
	"testing"
)

func TestFromEnvironment(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for _, test := range []struct {
		name, want string // want is part of the error
		env        map[string]string
		on         bool
		protocol   Protocol
		sampler    string
		rate       float64
	}{
		{name: "nothing set", env: nil},
		{name: "endpoint", env: map[string]string{endpoint: "http://jaeger:4318"}, on: true, protocol: ProtocolHTTP, sampler: "ParentBased{root:TraceIDRatioBased{0.01}", rate: 100},
		{name: "port of gRPC", env: map[string]string{endpoint: "http://jaeger:4317"}, on: true, protocol: ProtocolGRPC, sampler: "ParentBased{root:TraceIDRatioBased{0.01}", rate: 100},
		{name: "all said", env: map[string]string{
			"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5", EnvRate: "7",
		}, on: true, protocol: ProtocolGRPC, sampler: "TraceIDRatioBased{0.5}", rate: 7},
		{name: "disabled", env: map[string]string{endpoint: "http://x", "OTEL_SDK_DISABLED": "true"}},
		{name: "other exporter", env: map[string]string{endpoint: "http://x", "OTEL_TRACES_EXPORTER": "none"}},
		{name: "no URL", env: map[string]string{endpoint: "jaeger:4317"}, want: `OTEL_EXPORTER_OTLP_ENDPOINT "jaeger:4317": want a URL such as`},
		{name: "bad protocol", env: map[string]string{endpoint: "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "udp"}, want: `"udp": want grpc`},
		{name: "bad sampler", env: map[string]string{endpoint: "http://x", "OTEL_TRACES_SAMPLER": "some"}, want: `"some": want always_on`},
		{name: "bad share", env: map[string]string{endpoint: "http://x", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}, want: `"2": want a share`},
		{name: "bad rate", env: map[string]string{endpoint: "http://x", EnvRate: "0"}, want: `HAL9_TRACES_RATE "0"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg, on, err := FromEnvironment(func(name string) string { return test.env[name] })
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q in it", err, test.want)
				}
				return
			}
			if err != nil || on != test.on {
				t.Fatalf("on is %v, error %v; want %v", on, err, test.on)
			}
			if on && (cfg.Protocol != test.protocol || cfg.Rate != test.rate || !strings.HasPrefix(cfg.Sampler.Description(), test.sampler)) {
				t.Errorf("got %s, %v, %s", cfg.Protocol, cfg.Rate, cfg.Sampler.Description())
			}
			if err := cfg.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}
