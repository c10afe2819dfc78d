package tracing

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// headerID is where a record's id stands.
const headerID = "Nats-Msg-Id"

// picker says which verdicts are traced, from subject and headers alone: nearly all need not be read.
type picker struct {
	sampler sdk.Sampler
	always  bool
	serious *rate.Limiter
	other   *rate.Limiter
}

func newPicker(cfg *Config) *picker {
	limit := func() *rate.Limiter { return rate.NewLimiter(rate.Limit(cfg.Rate), max(1, int(cfg.Rate))) }
	return &picker{sampler: cfg.Sampler, always: cfg.Serious, serious: limit(), other: limit()}
}

// choice is what is known of a verdict before it is read.
type choice struct {
	parent  string // traceparent
	own     bool   // HAL9 made it, and no sender
	sampled bool
	within  bool // the bound
}

// pick decides on one verdict. The bound counts by the time at which the verdict was stored, so that a backlog is treated as it would have
// been without delay.
func (p *picker) pick(m *bus.Message) choice {
	c := choice{parent: header(m, pipeline.HeaderTraceParent)}
	c.own = c.parent == "" || pipeline.IsOwnTrace(header(m, headerID), c.parent)
	limit := p.other
	if serious := p.always && isSerious(m.Subject); serious {
		c.sampled, limit = true, p.serious
	} else {
		c.sampled = p.sample(&c)
	}
	c.within = c.sampled && limit.AllowN(m.Stored, 1)
	return c
}

// sample asks the sampler.
func (p *picker) sample(c *choice) bool {
	if len(c.parent) < spanIDEnd+3 {
		return false
	}
	var cfg trace.SpanContextConfig
	if _, err := hex.Decode(cfg.TraceID[:], []byte(c.parent[3:35])); err != nil {
		return false
	}
	ctx := context.Background()
	if !c.own {
		copy(cfg.SpanID[:], spanID(c.parent))
		if strings.HasSuffix(c.parent, "1") || strings.HasSuffix(c.parent, "3") {
			cfg.TraceFlags = trace.FlagsSampled
		}
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(cfg))
	}
	return p.sampler.ShouldSample(sdk.SamplingParameters{ParentContext: ctx, TraceID: cfg.TraceID}).Decision == sdk.RecordAndSample
}

// isSerious reports whether a verdict was given by L3 or higher, or is about a dead signal; the subject says so:
// hal9.verdicts.<layer>.<disposition>.
func isSerious(subject string) bool {
	name, disposition, ok := strings.Cut(strings.TrimPrefix(subject, pipeline.SubjectVerdicts+"."), ".")
	if !ok {
		return false
	}
	layer, err := layers.ParseName(name)
	return err == nil && layer >= layers.NameL3 || disposition == layers.DispositionDead.String()
}

func header(m *bus.Message, name string) string {
	if values := m.Header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// isLate reports whether a verdict has waited too long.
func isLate(m *bus.Message, now time.Time, most time.Duration) bool { return now.Sub(m.Stored) > most }
