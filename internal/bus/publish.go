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
type BusyError struct {
	Err   error
	After time.Duration // when to try again; 0 where that is not known
}

func (e *BusyError) Error() string { return "bus: HAL9 is full for now: " + e.Err.Error() }

// Unwrap returns JetStream's own error.
func (e *BusyError) Unwrap() error { return e.Err }

// RetryAfter says when to try again.
func (e *BusyError) RetryAfter() time.Duration {
	if e.After > 0 {
		return e.After
	}
	return 2 * time.Second
}

// JetStream's codes for refusals that pass by themselves.
const (
	codeStreamFull   jetstream.ErrorCode = 10077
	codeTooManyInFly jetstream.ErrorCode = 10167
	codeNoResources  jetstream.ErrorCode = 10023
	codeInProcess    jetstream.ErrorCode = 10158
)

// Publish stores records. It implements pipeline.Broker. What goes to one stream goes as a fast batch where it is
// several messages: the server stores them in order, ends at the first that it can't store, and
// answers once. Where something is refused for now the error says what is left to store.
func (b *Bus) Publish(ctx context.Context, records []pipeline.Record) error {
	call := b.answers.begin()
	defer b.answers.end(call)
	broken := b.brokenChan()
	call.group(records)
	for i := range call.groups {
		if err := b.sendGroup(call, i, records); err != nil {
			return err
		}
	}
	if err := call.wait(ctx, b.cfg.PublishTimeout, broken); err != nil {
		return err
	}
	left := call.left(records)
	for i := range left {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		// One by one, so that what is stored is always the beginning. It tells why, too.
		if err := b.publishOne(ctx, &left[i]); err != nil {
			if busy, ok := errors.AsType[*BusyError](err); ok {
				return &pipeline.FullError{Left: left[i:], Err: busy}
			}
			return err
		}
	}
	return nil
}

func (b *Bus) sendGroup(call *call, number int, records []pipeline.Record) error {
	group := &call.groups[number]
	for i, at := range group.records {
		r := &records[at]
		if err := b.out.PublishMsg(call.message(r, call.reply(number, i))); err != nil {
			return fmt.Errorf("bus: send to %s: %w", r.Subject, err)
		}
	}
	return nil
}

// publishOne stores one record.
func (b *Bus) publishOne(ctx context.Context, r *pipeline.Record) error {
	call := b.answers.begin()
	defer b.answers.end(call)
	broken := b.brokenChan()
	call.group([]pipeline.Record{*r})
	if err := b.sendGroup(call, 0, []pipeline.Record{*r}); err != nil {
		return err
	}
	if err := call.wait(ctx, b.cfg.PublishTimeout, broken); err != nil {
		return err
	}
	if err := call.groups[0].err; err != nil {
		return fmt.Errorf("bus: store on %s: %w", r.Subject, publishError(err))
	}
	return nil
}

// laneOf returns what the records of one stream have in common: the stream of a result, the subject of a pack.
func laneOf(subject string) string {
	switch {
	case strings.HasPrefix(subject, pipeline.SubjectVerdicts+"."):
		return pipeline.StreamVerdicts
	case strings.HasPrefix(subject, pipeline.SubjectSituations+"."):
		return pipeline.StreamSituations
	case strings.HasPrefix(subject, pipeline.SubjectPlans+"."):
		return pipeline.StreamPlans
	case strings.HasPrefix(subject, pipeline.SubjectDead+"."):
		return pipeline.StreamDead
	case strings.HasPrefix(subject, pipeline.SubjectMemory+"."):
		return pipeline.StreamMemory
	case strings.HasPrefix(subject, pipeline.SubjectSignals+"."):
		return pipeline.SubjectSignals
	default:
		return subject
	}
}

// publishError marks refusals that pass by themselves.
func publishError(err error) error {
	if errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
		return &BusyError{Err: err}
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return err
	}
	switch api.ErrorCode {
	case codeStreamFull, codeTooManyInFly, codeNoResources, codeInProcess:
		return &BusyError{Err: err}
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
	for name := range r.Header {
		m.Header[name] = r.Values(name)
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
