package bare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// collect takes what else has come already.
func collect(first message, more <-chan message) []message {
	burst := append(make([]message, 0, min(burstMost, 1+len(more))), first)
	for len(burst) < burstMost {
		select {
		case m, ok := <-more:
			if !ok {
				return burst
			}
			burst = append(burst, m)
		default:
			return burst
		}
	}
	return burst
}

// iterator pulls with Messages() on a goroutine of its own.
type iterator struct {
	messages jetstream.MessagesContext
	came     chan message
	failed   chan error
	stopped  chan struct{}
	pump     sync.WaitGroup
}

func newIterator(consumer jetstream.Consumer) (*iterator, error) {
	messages, err := consumer.Messages(jetstream.PullMaxMessages(2 * burstMost))
	if err != nil {
		return nil, err
	}
	it := &iterator{
		messages: messages, came: make(chan message, 2*burstMost),
		failed: make(chan error, 1), stopped: make(chan struct{}),
	}
	it.pump.Go(it.run)
	return it, nil
}

// run calls Next with a bound, since Messages() of nats.go 1.55 can lose the wake-up that asks for
// more: calling again makes up for it.
func (it *iterator) run() {
	for {
		m, err := it.messages.Next(jetstream.NextMaxWait(idle))
		if errors.Is(err, nats.ErrTimeout) {
			continue
		}
		if err != nil {
			it.failed <- err
			return
		}
		select {
		case it.came <- m:
		case <-it.stopped:
			return
		}
	}
}

func (it *iterator) next(ctx context.Context) ([]message, error) {
	select {
	case m := <-it.came:
		return collect(m, it.came), nil
	case err := <-it.failed:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (it *iterator) close() {
	close(it.stopped)
	it.messages.Stop()
	it.pump.Wait()
}

// fetcher pulls with one Fetch after the other.
type fetcher struct {
	consumer jetstream.Consumer
	batch    jetstream.MessageBatch
}

func (f *fetcher) next(ctx context.Context) ([]message, error) {
	if f.batch == nil {
		batch, err := f.consumer.Fetch(burstMost, jetstream.FetchContext(ctx))
		if err != nil {
			return nil, err
		}
		f.batch = batch
	}
	var burst []message
	select {
	case m, ok := <-f.batch.Messages():
		if !ok {
			err := f.batch.Error()
			f.batch = nil
			return nil, err
		}
		burst = append(burst, m)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		select {
		case m, ok := <-f.batch.Messages():
			if !ok {
				err := f.batch.Error()
				f.batch = nil
				return burst, err
			}
			burst = append(burst, m)
		default:
			return burst, nil
		}
	}
}

func (f *fetcher) close() {}

// requester keeps a pull request open by hand.
type requester struct {
	nc      *nats.Conn
	subject string
	sub     *nats.Subscription
	came    chan *nats.Msg
	bytes   int // that a request brings at most, where it is not 0
	open    int
}

// rawMessage is a message of a requester.
type rawMessage struct {
	nc *nats.Conn
	m  *nats.Msg
}

func (r rawMessage) Data() []byte { return r.m.Data }

func (r rawMessage) Ack() error { return r.nc.Publish(r.m.Reply, []byte("+ACK")) }

func newRequester(nc *nats.Conn, stream string, bytes int) (*requester, error) {
	r := &requester{
		nc: nc, subject: "$JS.API.CONSUMER.MSG.NEXT." + stream + ".stage", came: make(chan *nats.Msg, 8*burstMost), bytes: bytes,
	}
	var err error
	if r.sub, err = nc.ChanSubscribe(nc.NewInbox(), r.came); err != nil {
		return nil, err
	}
	return r, r.ask()
}

// ask asks for more where less than half of what may be open is.
func (r *requester) ask() error {
	if r.open > burstMost {
		return nil
	}
	what := map[string]any{"batch": 2*burstMost - r.open, "expires": patience}
	if r.bytes > 0 {
		what["max_bytes"] = r.bytes
	}
	request, err := json.Marshal(what)
	if err != nil {
		return err
	}
	r.open = 2 * burstMost
	return r.nc.PublishRequest(r.subject, r.sub.Subject, request)
}

func (r *requester) next(ctx context.Context) ([]message, error) {
	var burst []message
	select {
	case m := <-r.came:
		if err := r.take(m, &burst); err != nil {
			return nil, err
		}
	case <-time.After(patience):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for len(burst) < burstMost {
		select {
		case m := <-r.came:
			if err := r.take(m, &burst); err != nil {
				return nil, err
			}
			continue
		default:
		}
		break
	}
	return burst, r.ask()
}

func (r *requester) take(m *nats.Msg, burst *[]message) error {
	if strings.HasPrefix(m.Reply, "$JS.ACK.") {
		r.open--
		*burst = append(*burst, rawMessage{r.nc, m})
		return nil
	}
	switch status := m.Header.Get("Status"); status {
	case "408", "409": // the request ended; by its bound on bytes
		r.open = 0
		return nil
	default:
		return fmt.Errorf("bare: the server answered %s %s", status, m.Header.Get("Description"))
	}
}

func (r *requester) close() { _ = r.sub.Unsubscribe() }
