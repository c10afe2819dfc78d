package bus

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/2lab-ai/hal9/layers/rawjson"
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

	mu     sync.Mutex
	calls  map[uint64]*call
	filled pipeline.Ledger // streams of results up to the last answer
	last   uint64
	pool   sync.Pool
}

func newAnswers(nc *nats.Conn) (*answers, error) {
	inbox := nc.NewInbox()
	a := &answers{prefix: inbox + ".", token: nuid.Next(), calls: map[uint64]*call{}, filled: pipeline.Ledger{}}
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
	timer  *time.Timer

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
		c = &call{token: a.token, done: make(chan struct{}, 1), timer: time.NewTimer(0), header: nats.Header{}}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	c.start(a.last)
	c.prefix = a.prefix + strconv.FormatUint(a.last, 10)
	a.calls[a.last] = c
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
	if stream, seq := c.answered(number, at, m); seq > 0 && isResult(stream) {
		a.mu.Lock()
		a.filled[stream] = max(a.filled[stream], seq)
		a.mu.Unlock()
	}
}

// ledger returns up to where the streams of results are filled as far as this process knows: everything that it
// publishes from now on lies behind.
func (a *answers) ledger() pipeline.Ledger {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.filled)
}

// isResult reports whether a lane is a stream of results.
func isResult(lane string) bool { return strings.HasPrefix(lane, "HAL9_") }

// isFlow reports whether an answer to a batch is of its flow control: the one that ends it says how many
// messages are stored.
func isFlow(data []byte) bool { return bytes.HasPrefix(data, []byte(`{"type"`)) }

// start gives the call a number. It is not over before wait.
func (c *call) start(number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number, c.open = number, 1
}

// answered takes the answer to a group and returns where its last message is stored. A batch that ended early gets an answer to
// each message behind its end: they are late for their group, and may be for their call, which is another one's by then.
func (c *call) answered(number uint64, at int, m *nats.Msg) (lane string, seq uint64) {
	answer, err := readAnswer(m)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.number != number || at >= len(c.groups) || c.groups[at].answered {
		return "", 0
	}
	g := &c.groups[at]
	g.answered = true
	if g.err = err; err == nil {
		g.stored = min(max(1, answer.Count), len(g.records))
	}
	c.close()
	return g.lane, answer.Seq
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
	c.timer.Reset(bound)
	defer c.timer.Stop()
	select {
	case <-c.done:
		return nil
	case <-c.timer.C:
		return errNoAnswer
	case <-broken:
		return ErrDisconnected
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// answer is a publish acknowledgement.
type answer struct {
	Seq   uint64
	Count int // 0 where it is not that of a batch
}

// readAnswer reads without reflection: there is an answer to each hop of a signal that comes alone.
func readAnswer(m *nats.Msg) (a answer, err error) {
	if len(m.Data) == 0 && m.Header.Get("Status") == statusNobody {
		return a, nats.ErrNoResponders
	}
	isObject := rawjson.Members(m.Data, func(name, value []byte) bool {
		switch string(name) {
		case "seq":
			a.Seq, err = strconv.ParseUint(string(value), 10, 64)
		case "count":
			a.Count, err = strconv.Atoi(string(value))
		case "error":
			refusal := &jetstream.APIError{}
			if err = json.Unmarshal(value, refusal); err == nil {
				err = refusal
			}
		}
		return err == nil
	})
	if _, refused := errors.AsType[*jetstream.APIError](err); refused {
		return a, err
	}
	if err != nil || !isObject {
		return a, fmt.Errorf("bus: JetStream's answer %q can't be read: %w", m.Data, cmp.Or(err, errNoObject))
	}
	return a, nil
}

var errNoObject = errors.New("it is no JSON object")
