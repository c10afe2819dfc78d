package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/2lab-ai/hal9/internal/ingest"
)

// Intake stores signals.
//
// Submit returns nil only after every item is stored, with one receipt per item in their
// order. With an error it returns the receipts of those items that are stored all the same,
// in their order. An error that has a method RetryAfter() time.Duration says that too
// much waits already; every other error says that the store cannot be reached. Submit
// returns soon after ctx ends.
type Intake interface {
	Submit(ctx context.Context, items []ingest.Item) ([]Receipt, error)
}

// Receipt says that one signal is stored.
type Receipt struct {
	ID        string
	Duplicate bool // it was stored before
}

// BusyError is an error of Intake for "too much to do": come back After this time.
type BusyError struct {
	After time.Duration
	Err   error
}

// Error implements error.
func (e *BusyError) Error() string { return "web: busy: " + e.Err.Error() }

// Unwrap returns what the intake is busy with.
func (e *BusyError) Unwrap() error { return e.Err }

// RetryAfter says how long to wait.
func (e *BusyError) RetryAfter() time.Duration { return e.After }

// retryableError is an error that says when to come back.
type retryableError interface {
	error
	RetryAfter() time.Duration
}

// acceptedBody is the answer to stored signals.
type acceptedBody struct {
	Accepted []accepted `json:"accepted"`
	Count    int        `json:"count"`
}

type accepted struct {
	ID        string `json:"id"`
	Duplicate bool   `json:"duplicate"`
}

func newAccepted(receipts []Receipt) []accepted {
	list := make([]accepted, 0, len(receipts))
	for _, r := range receipts {
		list = append(list, accepted(r))
	}
	return list
}

// submit stores the items within SubmitTimeout and counts what became of them.
func (s *Server) submit(ctx context.Context, d door, items []ingest.Item) ([]Receipt, error) {
	if len(items) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.SubmitTimeout)
	defer cancel()
	receipts, err := s.deps.Intake.Submit(ctx, items)
	if err == nil && len(receipts) != len(items) {
		err = errors.New("not every signal has a receipt")
	}
	s.count(d, receipts, len(items))
	if err != nil {
		return nil, s.unstored(d, items, receipts, err)
	}
	return receipts, nil
}

func (s *Server) count(d door, receipts []Receipt, items int) {
	duplicates := 0
	for _, r := range receipts {
		if r.Duplicate {
			duplicates++
		}
	}
	s.deps.Ingested(d.name, outcomeAccepted, len(receipts)-duplicates)
	s.deps.Ingested(d.name, outcomeDuplicate, duplicates)
	s.deps.Ingested(d.name, outcomeRejected, items-len(receipts))
}

// unstored is the refusal of items of which not all could be stored.
func (s *Server) unstored(d door, items []ingest.Item, receipts []Receipt, err error) *refusalError {
	r := refuse(http.StatusServiceUnavailable, "%d of %d signals stored: %s; send all again with these ids",
		len(receipts), len(items), err)
	r.retryAfter = s.cfg.RetryAfter
	if busy, ok := errors.AsType[retryableError](err); ok {
		r.status = d.busy
		r.retryAfter = max(busy.RetryAfter(), s.cfg.RetryAfter)
	}
	r.Accepted = newAccepted(receipts)
	for i := range items {
		r.IDs = append(r.IDs, items[i].Signal.ID)
	}
	return r
}
