package tracing

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/sdk/trace"
)

// portGRPC is the port on which collectors take OTLP over gRPC.
const portGRPC = "4317"

// EnvRate is HAL9's own variable: the bound of traces per second, of this process.
const EnvRate = "HAL9_TRACES_RATE"

// FromEnvironment reads OpenTelemetry's variables. On is false where no endpoint is set, or tracing is switched off.
func FromEnvironment(lookup func(string) string) (cfg Config, on bool, err error) {
	cfg = DefaultConfig()
	endpoint, name := first(lookup, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	if endpoint == "" || strings.EqualFold(lookup("OTEL_SDK_DISABLED"), "true") || lookup("OTEL_TRACES_EXPORTER") == "none" {
		return cfg, false, nil
	}
	u, problem := url.Parse(endpoint)
	if problem != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return cfg, false, fmt.Errorf("%s %q: want a URL such as http://localhost:4318", name, endpoint)
	}
	var problems []error
	if protocol, name := first(lookup, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"); protocol != "" {
		cfg.Protocol = Protocol(protocol)
		if cfg.Protocol != ProtocolGRPC && cfg.Protocol != ProtocolHTTP && cfg.Protocol != ProtocolJSON {
			problems = append(problems, fmt.Errorf("%s %q: want grpc, http/protobuf or http/json", name, protocol))
		}
	} else if u.Port() == portGRPC {
		cfg.Protocol = ProtocolGRPC
	}
	if name := lookup("OTEL_TRACES_SAMPLER"); name != "" {
		cfg.Sampler, err = samplerOf(name, lookup("OTEL_TRACES_SAMPLER_ARG"))
		cfg.Serious = !strings.HasSuffix(name, "always_off")
		problems = append(problems, err)
	}
	if text := lookup(EnvRate); text != "" {
		if cfg.Rate, err = strconv.ParseFloat(text, 64); err != nil || !(cfg.Rate > 0) {
			problems = append(problems, fmt.Errorf("%s %q: want a number of traces per second, more than 0", EnvRate, text))
		}
	}
	err = errors.Join(problems...)
	return cfg, err == nil, err
}

// first returns the first variable that is set.
func first(lookup func(string) string, names ...string) (value, name string) {
	for _, name = range names {
		if value = strings.TrimSpace(lookup(name)); value != "" {
			return value, name
		}
	}
	return "", ""
}

// samplerOf returns one of OpenTelemetry's samplers by its name.
func samplerOf(name, arg string) (trace.Sampler, error) {
	var root trace.Sampler
	kind, parentBased := strings.CutPrefix(name, "parentbased_")
	switch kind {
	case "always_on":
		root = trace.AlwaysSample()
	case "always_off":
		root = trace.NeverSample()
	case "traceidratio":
		ratio := 1.0
		if arg != "" {
			var err error
			if ratio, err = strconv.ParseFloat(arg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
				return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG %q: want a share from 0 to 1", arg)
			}
		}
		root = trace.TraceIDRatioBased(ratio)
	default:
		return nil, fmt.Errorf("OTEL_TRACES_SAMPLER %q: want always_on, always_off or traceidratio, or parentbased_ and one of them", name)
	}
	if parentBased {
		return trace.ParentBased(root), nil
	}
	return root, nil
}
