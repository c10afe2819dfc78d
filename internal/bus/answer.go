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

	mu     sync.Mutex
	open   int // answers outstanding, and one until wait
	groups []group

	text   []byte   // reused for each reply subject
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
	select {
	case <-c.done: // It came just when nobody waited any more.
	default:
	}
	c.msg = nats.Msg{}
	clear(c.header)
	a.pool.Put(c)
}

// receive runs on the subscription's goroutine.
func (a *answers) receive(m *nats.Msg) {
	digits, rest, _ := strings.Cut(strings.TrimPrefix(m.Subject, a.prefix), ".")
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return
	}
	digits, rest, _ = strings.Cut(rest, ".")
	at, err := strconv.Atoi(digits)
	if err != nil {
		return
	}
	a.mu.Lock()
	c := a.calls[number]
	a.mu.Unlock()
	if c == nil || rest != "" && isFlow(m.Data) {
		return
	}
	c.answered(at, m)
}

// isFlow reports whether an answer to a batch is of its flow control: the one that ends it says how many
// messages are stored.
func isFlow(data []byte) bool { return bytes.HasPrefix(data, []byte(`{"type"`)) }

// answered takes the answer to a group.
func (c *call) answered(at int, m *nats.Msg) {
	count, err := readAnswer(m)
	c.mu.Lock()
	defer c.mu.Unlock()
	if at >= len(c.groups) || c.groups[at].answered {
		return // A batch that ended early gets an answer to each message behind its end.
	}
	g := &c.groups[at]
	g.answered = true
	if g.err = err; err == nil {
		g.stored = min(max(1, count), len(g.records))
	}
	c.close()
}

// close counts one answer. The lock is held.
func (c *call) close() {
	if c.open--; c.open == 0 {
		c.done <- struct{}{}
	}
}

// wait returns when all answers are in, whatever they say, or says why they are not.
func (c *call) wait(ctx context.Context, bound time.Duration, broken <-chan struct{}) error {
	c.mu.Lock()
	c.close()
	c.mu.Unlock()
	timer := time.NewTimer(bound)
	defer timer.Stop()
	select {
	case <-c.done:
		return nil
	case <-timer.C:
		return errNoAnswer
	case <-broken:
		return ErrDisconnected
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// readAnswer reads a publish acknowledgement; count is 0 where it is not that of a batch.
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
