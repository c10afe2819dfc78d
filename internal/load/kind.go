package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
)

// Kind is what went wrong with an operation, in a word or two.
type Kind string

// The kinds; what is none of them and has an HTTP status is that: "status 500".
const (
	KindRefused     Kind = "refused"      // HAL9 is full: HTTP 429, on NATS a full stream
	KindUnavailable Kind = "unavailable"  // HTTP 503
	KindConnection  Kind = "connection"   // refused, broken, or away
	KindTimeout     Kind = "timeout"      // no answer in time
	KindNoVerdict   Kind = "no verdict"   // stored, and no verdict in time
	KindNoResult    Kind = "no result"    // a tail that showed nothing in time
	KindNotBegun    Kind = "not begun"    // due, and its user still busy with what was due before when all was over
	KindDead        Kind = "dead"         // a verdict that says that the signal could not be processed
	KindWrongAnswer Kind = "wrong answer" // a success that is none
	KindOther       Kind = "other"
)

// slow reports whether it is time that ran out: then the latency is at least what was
// measured, and counts. What fails at once does not, since it would flatter.
func (k Kind) slow() bool {
	return k == KindTimeout || k == KindNoVerdict || k == KindNoResult || k == KindNotBegun
}

// What operations fail with, beside what HTTP and NATS say.
var (
	ErrNoVerdict = errors.New("load: the signal is stored, and its verdict did not come in time")
	ErrNoResult  = errors.New("load: the tail showed nothing in time")
	ErrNotBegun  = errors.New("load: its user was still busy with what had been due before")
	ErrDead      = errors.New("load: the verdict says that the signal could not be processed")
)

// errOver ends what is under way when a run must end.
var errOver = fmt.Errorf("load: the run is over: %w", context.DeadlineExceeded)

// StatusError is an HTTP answer that is no success.
type StatusError struct {
	Status int
	After  time.Duration // what Retry-After says
	Answer []byte
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("load: %d %s: %s", e.Status, http.StatusText(e.Status), beginning(e.Answer))
}

// RetryAfter says how long to wait before trying again.
func (e *StatusError) RetryAfter() time.Duration { return e.After }

// AnswerError is an HTTP success that does not say what it has to.
type AnswerError struct {
	What   string // what it should be about
	Answer []byte
}

func (e *AnswerError) Error() string {
	return "load: the answer is not about " + e.What + ": " + beginning(e.Answer)
}

// beginning returns what of an answer fits into a line.
func beginning(answer []byte) string {
	const most = 160
	text := strings.ToValidUTF8(string(answer[:min(len(answer), most)]), "")
	return strings.Join(strings.Fields(text), " ")
}

// KindOf classifies what an operation returned; it is "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if status, ok := errors.AsType[*StatusError](err); ok {
		return kindOfStatus(status.Status)
	}
	if _, ok := errors.AsType[*bus.BusyError](err); ok {
		return KindRefused
	}
	if _, ok := errors.AsType[*AnswerError](err); ok {
		return KindWrongAnswer
	}
	for kind, sentinel := range map[Kind]error{
		KindNoVerdict: ErrNoVerdict, KindNoResult: ErrNoResult, KindNotBegun: ErrNotBegun, KindDead: ErrDead,
	} {
		if errors.Is(err, sentinel) {
			return kind
		}
	}
	return kindOfNetwork(err)
}

func kindOfStatus(status int) Kind {
	switch status {
	case http.StatusTooManyRequests:
		return KindRefused
	case http.StatusServiceUnavailable:
		return KindUnavailable
	default:
		return Kind("status " + strconv.Itoa(status))
	}
}

func kindOfNetwork(err error) Kind {
	if timeout, ok := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout() {
		return KindTimeout
	}
	_, broken := errors.AsType[*net.OpError](err)
	if broken || bus.IsDisconnected(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return KindConnection
	}
	return KindOther
}
