// Package outbound sends results to the world outside: each configured sink is a durable
// consumer whose messages run through a Watermill router to a webhook or a NATS subject.
//
// It promises: a result is acknowledged only after the target took it (or after it was
// kept as a dead letter, where the target will never take it), so that a target that is
// away for an hour gets everything afterwards; it may get a result twice, never none. A
// target in trouble is left alone for a while (circuit breaker), and none is flooded
// (throttle).
package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/sony/gobreaker"

	"github.com/2lab-ai/hal9/layers"
)

// SubjectDead is where dead letters of sinks go.
const SubjectDead = "hal9.dead.sink"

// Limits of one sink.
const (
	quickRetries   = 2                      // within one delivery; after them the message comes again later
	quickInterval  = 200 * time.Millisecond // before the first of them, doubled before the second
	throttleCount  = 200                    // messages per throttlePeriod
	throttlePeriod = time.Second
	breakerTrips   = 5 // failures in a row after which a target is left alone
	breakerPause   = 10 * time.Second
	drainTime      = 10 * time.Second
)

// Deps is what the sinks work with; all of it is required. Run closes Subscriber, Publisher and Dead
// when it ends; the connection behind them stays the caller's. The topic of a subscription is the sink's name; Publisher publishes to subjects that need not be in any stream, Dead to SubjectDead.
type Deps struct {
	Subscriber message.Subscriber
	Publisher  message.Publisher
	Dead       message.Publisher
	Client     *http.Client
	Verdicts   layers.Compiler[layers.Verdict]
	Situations layers.Compiler[layers.Situation]
	Log        *slog.Logger
}

// Runner runs the sinks.
type Runner struct {
	router  *message.Router
	closers []io.Closer // in closing order
	ended   atomic.Bool
}

// New makes the sinks' handlers; nothing runs yet.
func New(cfg Config, deps Deps) (*Runner, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: drainTime}, watermill.NewSlogLogger(Quiet(deps.Log)))
	if err != nil {
		return nil, fmt.Errorf("outbound: %w", err)
	}
	deps.Subscriber = Patient(deps.Subscriber, deps.Log)
	for _, sink := range cfg.Sinks {
		if err := add(router, sink, deps); err != nil {
			return nil, err
		}
	}
	return &Runner{router: router, closers: []io.Closer{deps.Subscriber, deps.Publisher, deps.Dead}}, nil
}

// add puts a sink's handler into the router. What stands first sees a message first.
func add(router *message.Router, sink Sink, deps Deps) error {
	matches, err := filterOf(sink, deps)
	if err != nil {
		return err
	}
	poison, err := Poison(deps.Dead, SubjectDead)
	if err != nil {
		return fmt.Errorf("outbound: sink %q: %w", sink.Name, err)
	}
	handler := router.AddConsumerHandler("sink-"+sink.Name, sink.Name, deps.Subscriber, deliver(sink, deps))
	handler.AddMiddleware(
		poison,
		only(matches),
		middleware.Retry{
			MaxRetries: quickRetries, InitialInterval: quickInterval, MaxInterval: 4 * quickInterval, Multiplier: 2,
			ShouldRetry: func(p middleware.RetryParams) bool { return isPassing(p.Err) },
		}.Middleware,
		newBreaker("sink "+sink.Name, deps.Log).Middleware,
		middleware.NewThrottle(throttleCount, throttlePeriod).Middleware,
		middleware.Recoverer,
	)
	return nil
}

// isPassing reports whether another try right now may help: not where the target will never take
// the message, nor where it is to be left alone.
func isPassing(err error) bool {
	return !layers.IsPermanent(err) && !errors.Is(err, gobreaker.ErrOpenState) &&
		!errors.Is(err, gobreaker.ErrTooManyRequests) && !errors.Is(err, errLater)
}

// only lets matching messages through; the others need no delivery.
func only(matches filter) message.HandlerMiddleware {
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			ok, err := matches(msg.Payload)
			if err != nil || !ok {
				return nil, err
			}
			return next(msg)
		}
	}
}

func deliver(sink Sink, deps Deps) message.NoPublishHandlerFunc {
	if sink.Webhook != "" {
		return webhook{url: sink.Webhook, client: deps.Client}.deliver
	}
	return func(msg *message.Message) error {
		out := msg.Copy()
		out.SetContext(msg.Context())
		if err := deps.Publisher.Publish(sink.Subject, out); err != nil {
			return fmt.Errorf("outbound: publish to %s: %w", sink.Subject, err)
		}
		return nil
	}
}

// Run delivers until ctx ends, then finishes what is in flight. What it can't finish in time is
// delivered again by whoever comes next. When Run returns, the server has every answer, and
// what was fetched ahead is free for others.
func (r *Runner) Run(ctx context.Context) error {
	ended := []error{r.router.Run(ctx)}
	r.ended.Store(true)
	for _, closer := range r.closers {
		ended = append(ended, closer.Close())
	}
	if err := errors.Join(ended...); err != nil {
		return fmt.Errorf("outbound: %w", err)
	}
	return nil
}

// Running is closed once all sinks are subscribed.
func (r *Runner) Running() <-chan struct{} { return r.router.Running() }

// State says in a few words whether results are taken to their targets.
func (r *Runner) State() (text string, ok bool) { return StateOf(r.router, r.ended.Load()) }

// StateOf says in a few words whether a router, which may have ended, takes messages.
func StateOf(router *message.Router, ended bool) (text string, ok bool) {
	switch {
	case ended:
		return "ended: restart the process", false
	case !router.IsRunning():
		return "waits for its consumer on NATS", false
	default:
		return "working", true
	}
}

// Quiet passes on what is worth a look: Watermill logs every message at a low level and every
// handler's start as information.
func Quiet(log *slog.Logger) *slog.Logger { return slog.New(atLeastWarn{log.Handler()}) }

type atLeastWarn struct{ slog.Handler }

func (h atLeastWarn) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeastWarn{h.Handler.WithAttrs(attrs)}
}

func (h atLeastWarn) WithGroup(name string) slog.Handler {
	return atLeastWarn{h.Handler.WithGroup(name)}
}

func (h atLeastWarn) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}
