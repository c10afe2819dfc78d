package web

import (
	"context"
	"net/http"

	"golang.org/x/sync/semaphore"
)

// limiter bounds how many requests with signals are in flight and how many bytes their
// bodies may take together. It never waits: who finds no room is told to come back.
type limiter struct {
	maxRequests int64
	maxBody     int64
	requests    *semaphore.Weighted
	bytes       *semaphore.Weighted
}

func newLimiter(cfg Config) *limiter {
	return &limiter{
		maxRequests: int64(cfg.MaxInFlight),
		maxBody:     cfg.MaxBodyBytes,
		requests:    semaphore.NewWeighted(int64(cfg.MaxInFlight)),
		bytes:       semaphore.NewWeighted(cfg.MaxInFlightBytes),
	}
}

// enter takes room for the request, which leave gives back; ok is false where there is none.
func (l *limiter) enter(r *http.Request) (leave func(), ok bool) {
	weight := l.weight(r)
	if !l.requests.TryAcquire(1) {
		return nil, false
	}
	if !l.bytes.TryAcquire(weight) {
		l.requests.Release(1)
		return nil, false
	}
	return func() {
		l.bytes.Release(weight)
		l.requests.Release(1)
	}, true
}

// weight is what the body may grow to: its length, or the bound where the length is not
// said or is that of packed bytes.
func (l *limiter) weight(r *http.Request) int64 {
	if r.ContentLength < 0 || r.Header.Get("Content-Encoding") != "" {
		return l.maxBody
	}
	return min(r.ContentLength, l.maxBody)
}

// wait returns once no request is in flight; no other can enter from then on.
func (l *limiter) wait(ctx context.Context) error {
	return l.requests.Acquire(ctx, l.maxRequests)
}
