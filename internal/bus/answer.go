package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/2lab-ai/hal9/pipeline"
)

// errNoAnswer ends a publish that JetStream did not answer in time: whether it is stored is uncertain.
var errNoAnswer = errors.New("bus: JetStream did not answer in time")

// answers receives what JetStream answers to publishes: one subscription for all of them, whose subjects
// end in the number of the call.
type answers struct {
	prefix string // of reply subjects, with the last dot
	token  string // makes batch ids distinct over all connections
	sub    *nats.Subscription

	mu    sync.Mutex
	calls map[uint64]*call
	last  uint64
	pool  sync.Pool
}

func newAnswers(nc *nats.Conn) (*answers, error) {
	inbox := nc.NewInbox()
	a := &answers{prefix: inbox + ".", token: nuid.Next(), calls: map[uint64]*call{}}
	var err error
	a.sub, err = nc.Subscribe(a.prefix+">", a.receive)
	if err != nil {
		return nil, fmt.Errorf("bus: subscribe: %w", err)
	}
	// Answers are small, and as many may be open as publishes are.
	if err := a.sub.SetPendingLimits(-1, -1); err != nil {
		return nil, fmt.Errorf("bus: subscribe: %w", err)
	}
	return a, nil
}

// call is one Publish with all its answers outstanding.
type call struct {
	prefix string // of its reply subjects
	token  string // of its batches
	number uint64
	done   chan struct{} // one element when the last answer is in

	mu       sync.Mutex
	open     int // answers outstanding
	err      error
	batched  *batch
	unstored []*pipeline.Record // of a batch that ended early

	msg    nats.Msg // reused for each record
	header nats.Header
	id     [1]string
	trace  [1]string
}

func (a *answers) begin() *call {
	c, ok := a.pool.Get().(*call)
	if !ok {
		c = &call{token: a.token, done: make(chan struct{}, 1), header: nats.Header{}}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	c.number = a.last
	c.prefix = a.prefix + strconv.FormatUint(c.number, 10)
	a.calls[c.number] = c
	// It is not over before wait.
	c.open = 1
	return c
}

// end forgets a call; answers that come late find nobody.
func (a *answers) end(c *call) {
	a.mu.Lock()
	delete(a.calls, c.number)
	a.mu.Unlock()
	c.mu.Lock()
	finished := c.open == 0
	c.mu.Unlock()
	if !finished {
		return // An answer may be on its way in; the call is not used again.
	}
	c.err, c.batched, c.unstored = nil, nil, nil
	select {
	case <-c.done: // It came just when nobody waited any more.
	default:
	}
	c.msg = nats.Msg{}
	clear(c.header)
	a.pool.Put(c)
}

// one registers a publish with an answer of its own and returns its reply subject.
func (c *call) one() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	return c.prefix
}

// receive runs on the subscription's goroutine.
func (a *answers) receive(m *nats.Msg) {
	rest := strings.TrimPrefix(m.Subject, a.prefix)
	digits, batch, _ := strings.Cut(rest, ".")
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return
	}
	a.mu.Lock()
	c := a.calls[number]
	a.mu.Unlock()
	if c == nil {
		return
	}
	if batch != "" {
		c.batchAnswer(m)
		return
	}
	_, err = readAnswer(m)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered(err)
}

// answered counts one answer. The lock is held.
func (c *call) answered(err error) {
	if err != nil && c.err == nil {
		c.err = err
	}
	if c.open--; c.open == 0 {
		c.done <- struct{}{}
	}
}

// wait returns when all answers are in, or says why they are not.
func (c *call) wait(ctx context.Context, bound time.Duration, broken <-chan struct{}) error {
	c.mu.Lock()
	c.answered(nil)
	c.mu.Unlock()
	timer := time.NewTimer(bound)
	defer timer.Stop()
	select {
	case <-c.done:
		return publishError(c.err)
	case <-timer.C:
		return errNoAnswer
	case <-broken:
		return ErrDisconnected
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// readAnswer reads a publish acknowledgement.
func readAnswer(m *nats.Msg) (count int, err error) {
	if len(m.Data) == 0 && m.Header.Get("Status") == statusNobody {
		return 0, nats.ErrNoResponders
	}
	if !bytes.Contains(m.Data, []byte(`"error"`)) && !bytes.Contains(m.Data, []byte(`"count"`)) {
		return 0, nil
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
		Count int                 `json:"count"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return 0, fmt.Errorf("bus: JetStream's answer %q can't be read: %w", m.Data, err)
	}
	if answer.Error != nil {
		return answer.Count, answer.Error
	}
	return answer.Count, nil
}
