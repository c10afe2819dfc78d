package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// BusyError says that JetStream refuses signals for now: a stream is full or too much is
// under way. The same publish may succeed later.
type BusyError struct{ Err error }

func (e *BusyError) Error() string { return "bus: HAL9 is full for now: " + e.Err.Error() }

// Unwrap returns JetStream's own error.
func (e *BusyError) Unwrap() error { return e.Err }

// RetryAfter says when to try again.
func (e *BusyError) RetryAfter() time.Duration { return 2 * time.Second }

// JetStream's codes for refusals that pass by themselves.
const (
	codeStreamFull   jetstream.ErrorCode = 10077
	codeTooManyInFly jetstream.ErrorCode = 10167
	codeNoResources  jetstream.ErrorCode = 10023
	codeInProcess    jetstream.ErrorCode = 10158
)

// Publish stores records. It implements pipeline.Broker: packs to one subject follow each other, the next
// is sent when the one before is stored, so that what is stored is always their beginning. Results
// to one stream go as a fast batch where there are several, with one answer to all.
func (b *Bus) Publish(ctx context.Context, records []pipeline.Record) error {
	for len(records) > 0 {
		n, err := b.publishRound(ctx, records)
		if err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// publishRound sends records up to the second pack for one subject and awaits their answers.
func (b *Bus) publishRound(ctx context.Context, records []pipeline.Record) (n int, err error) {
	call := b.answers.begin()
	defer b.answers.end(call)
	n = roundOf(records)
	broken := b.brokenChan()
	if err := b.sendRound(call, records[:n]); err != nil {
		return 0, err
	}
	if err := call.wait(ctx, b.cfg.PublishTimeout, broken); err != nil {
		return 0, err
	}
	return n, b.retry(ctx, call.unstored)
}

// roundOf returns how many records go together: all up to the second one for one subject of a layer.
func roundOf(records []pipeline.Record) int {
	for i := range records {
		if isResult(records[i].Subject) {
			continue
		}
		for j := range i {
			if records[j].Subject == records[i].Subject {
				return i
			}
		}
	}
	return len(records)
}

// isResult reports whether a record goes to a stream of results.
func isResult(subject string) bool { return streamOfResult(subject) != "" }

// streamOfResult returns the stream of a result, "" for packs and signals.
func streamOfResult(subject string) string {
	switch {
	case strings.HasPrefix(subject, pipeline.SubjectVerdicts+"."):
		return pipeline.StreamVerdicts
	case strings.HasPrefix(subject, pipeline.SubjectSituations+"."):
		return pipeline.StreamSituations
	case strings.HasPrefix(subject, pipeline.SubjectPlans+"."):
		return pipeline.StreamPlans
	case strings.HasPrefix(subject, pipeline.SubjectDead+"."):
		return pipeline.StreamDead
	default:
		return ""
	}
}

// batchLeast is from how many verdicts on they go as a batch.
const batchLeast = 3

func (b *Bus) sendRound(call *call, records []pipeline.Record) error {
	verdicts := 0
	for i := range records {
		if streamOfResult(records[i].Subject) == pipeline.StreamVerdicts {
			verdicts++
		}
	}
	var batch *batch
	for i := range records {
		r := &records[i]
		reply := ""
		switch {
		case verdicts < batchLeast || streamOfResult(r.Subject) != pipeline.StreamVerdicts:
			reply = call.one()
		case batch == nil:
			batch = call.batch(verdicts)
			fallthrough
		default:
			reply = batch.next(r)
		}
		if err := b.out.PublishMsg(call.message(r, reply)); err != nil {
			return fmt.Errorf("bus: send to %s: %w", r.Subject, err)
		}
	}
	return nil
}

// retry stores one by one what a batch left out. A batch ends at the first message that JetStream holds
// for a copy; whichever were stored are recognised by their ids.
func (b *Bus) retry(ctx context.Context, records []*pipeline.Record) error {
	if len(records) == 0 {
		return nil
	}
	call := b.answers.begin()
	defer b.answers.end(call)
	broken := b.brokenChan()
	for _, r := range records {
		if err := b.out.PublishMsg(call.message(r, call.one())); err != nil {
			return fmt.Errorf("bus: send to %s: %w", r.Subject, err)
		}
	}
	return call.wait(ctx, b.cfg.PublishTimeout, broken)
}

// publishError marks refusals that pass by themselves.
func publishError(err error) error {
	if errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
		return &BusyError{err}
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return err
	}
	switch api.ErrorCode {
	case codeStreamFull, codeTooManyInFly, codeNoResources, codeInProcess:
		return &BusyError{err}
	default:
		return err
	}
}

// message returns a record as NATS takes it. It is good until the next call.
func (c *call) message(r *pipeline.Record, reply string) *nats.Msg {
	m := &c.msg
	m.Subject, m.Reply, m.Data, m.Header = r.Subject, reply, r.Data, nil
	if r.ID == "" && r.Trace == "" && len(r.Header) == 0 {
		return m
	}
	clear(c.header)
	m.Header = c.header
	for name, value := range r.Header {
		m.Header[name] = []string{value}
	}
	if r.ID != "" {
		c.id[0] = r.ID
		m.Header[jetstream.MsgIDHeader] = c.id[:]
	}
	if r.Trace != "" {
		c.trace[0] = r.Trace
		m.Header[pipeline.HeaderTraceParent] = c.trace[:]
	}
	return m
}
