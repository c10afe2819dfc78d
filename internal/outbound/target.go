package outbound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/sony/gobreaker"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

// ErrUnknown says that the target may have taken what it was sent, and may not: no answer came, or one that leaves it open.
var ErrUnknown = errors.New("outbound: outcome unknown")

// maxTargets bounds the targets that are told apart; those beyond share their breaker and throttle.
const maxTargets = 1000

// Targets is where actions go. Each target has a circuit breaker and a throttle of its own.
type Targets struct {
	deps Deps
	mu   sync.Mutex
	all  map[string]message.HandlerMiddleware
}

// NewTargets returns targets that use Client, Publisher and Log of deps.
func NewTargets(deps Deps) *Targets {
	if deps.Client != nil {
		client := *deps.Client
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // An action goes where it says.
		deps.Client = &client
	}
	return &Targets{deps: deps, all: map[string]message.HandlerMiddleware{}}
}

// Guard runs try, which makes one attempt at a target, no faster than the target is to be asked, and not at all while the target
// is left alone: then IsLeftAlone holds for the error.
func (t *Targets) Guard(target string, msg *message.Message, try func() error) error {
	_, err := t.guard(target)(func(*message.Message) ([]*message.Message, error) { return nil, try() })(msg)
	return err
}

// IsLeftAlone reports whether nothing was tried, since the target fails all the time.
func IsLeftAlone(err error) bool {
	return errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests)
}

func (t *Targets) guard(target string) message.HandlerMiddleware {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) >= maxTargets {
		target = ""
	}
	if guard, ok := t.all[target]; ok {
		return guard
	}
	breaker, throttle := newBreaker("action "+target, t.deps.Log), middleware.NewThrottle(throttleCount, throttlePeriod)
	guard := func(next message.HandlerFunc) message.HandlerFunc {
		return breaker.Middleware(throttle.Middleware(middleware.Recoverer(next)))
	}
	t.all[target] = guard
	return guard
}

func newBreaker(name string, log *slog.Logger) middleware.CircuitBreaker {
	return middleware.NewCircuitBreaker(gobreaker.Settings{
		Name: name, Timeout: breakerPause,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerTrips },
		IsSuccessful: func(err error) bool { return err == nil || layers.IsPermanent(err) },
		OnStateChange: func(name string, from, to gobreaker.State) {
			log.Warn("target changes", "target", name, "from", from.String(), "to", to.String())
		},
	})
}

// Post makes one attempt at a webhook. A permanent error says that the target never takes it, ErrUnknown that it may have taken
// it, any other that it did not.
func (t *Targets) Post(ctx context.Context, url string, body []byte, key string) error {
	ctx, cancel := context.WithTimeout(ctx, AttemptTime)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return layers.Permanent(fmt.Errorf("outbound: webhook: %w", err))
	}
	req.GetBody = nil // With an Idempotency-Key the client would send it a second time by itself where a connection breaks.
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "hal9")
	req.Header.Set("Idempotency-Key", key)
	res, err := t.deps.Client.Do(req)
	switch {
	case err != nil && connected.Load():
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	case err != nil:
		return fmt.Errorf("outbound: webhook: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4096)) // so that the connection can be used again
	return judgePost(url, res)
}

func judgePost(url string, res *http.Response) error {
	err := fmt.Errorf("outbound: webhook %s answered %s", url, res.Status)
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusRequestTimeout, code >= 500 && code != http.StatusServiceUnavailable:
		return fmt.Errorf("%w: %w", ErrUnknown, err) // Such as a gateway that has passed it on, or work that broke off on its way.
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return &LaterError{Err: err, After: min(time.Duration(max(0, seconds))*time.Second, longestRetryAfter)}
	default:
		return layers.Permanent(err)
	}
}

// LaterError says that a target did not take something and may take it later.
type LaterError struct {
	Err   error
	After time.Duration // when to try again; 0 where the target did not say
}

func (e *LaterError) Error() string { return e.Err.Error() }

// Unwrap returns what the target said.
func (e *LaterError) Unwrap() error { return e.Err }

// Send makes one attempt at publishing to a NATS subject; its errors are those of Post. Where a stream listens it is stored once,
// within the stream's duplicate window.
func (t *Targets) Send(ctx context.Context, subject string, body []byte, key string) error {
	msg := message.NewMessage(key, body)
	msg.SetContext(ctx)
	err := t.deps.Publisher.Publish(subject, msg)
	switch {
	case err == nil:
		return nil
	case natspubsub.IsRefused(err):
		return fmt.Errorf("outbound: publish on %s: %w", subject, err)
	default:
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
}
