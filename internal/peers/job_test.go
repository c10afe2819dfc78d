package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/natstest"
)

const (
	stages     = 5
	signalSize = 256
	inFlight   = 8192            // messages without an acknowledgement or an answer, per stage: as many as HAL9 has
	jobTimeout = 5 * time.Minute // for one round of one peer
)

// peer is a system that can do the job.
type peer struct {
	name    string
	version string
	promise string
	once    bool // promises that nothing arrives twice
	// start runs the five stages on a server until the test ends.
	start func(t *testing.T, server *natstest.Server) job
}

// job is five running stages. What is published on entry arrives in the stream named exit, and
// idOf reads from it which signal it was.
type job struct {
	entry, exit string
	idOf        func(data []byte) string
}

// signal returns a signal of 256 bytes: the same for every peer.
func signal(id string) []byte {
	const form = `{"id":"%s","source":"peers","type":"sample","subject":"host-1","text":"%s"}`
	room := signalSize - len(fmt.Sprintf(form, id, ""))
	return fmt.Appendf(nil, form, id, strings.Repeat("x", room))
}

// plainID reads the id of a signal that arrived as it was sent.
func plainID(data []byte) string { return textField(data, "id") }

func textField(data []byte, name string) string {
	var fields map[string]any
	if json.Unmarshal(data, &fields) != nil {
		return ""
	}
	text, _ := fields[name].(string)
	return text
}

// throughput sends n signals as fast as the server takes them and returns how many per second
// went from the first publish to the last arrival, and the processor time of the whole process, server
// included, for each: other work on the machine disturbs it less. Then it counts what arrived.
func (p *peer) throughput(t *testing.T, n int) (perSecond float64, cpu time.Duration) {
	t.Helper()
	server := natstest.Start(t)
	work := p.start(t, server)
	js := open(t, server)
	ctx, cancel := context.WithTimeout(t.Context(), jobTimeout)
	defer cancel()
	list := make([][]byte, n)
	for i := range list {
		list[i] = signal(fmt.Sprint("s", i))
	}
	start, startCPU := time.Now(), processorTime(t)
	for _, data := range list {
		if _, err := js.PublishAsync(work.entry, data, jetstream.WithStallWait(jobTimeout)); err != nil {
			t.Fatal(err)
		}
	}
	for got := 0; got < n; got = stored(t, js, work.exit) {
		if ctx.Err() != nil {
			t.Fatalf("%s: %d of %d signals arrived within %s", p.name, got, n, jobTimeout)
		}
		time.Sleep(10 * time.Millisecond) // One question costs the server about as much as one signal.
	}
	took, cpu := time.Since(start), processorTime(t)-startCPU
	p.count(ctx, t, arrivals(t, server, work.exit), work, n)
	if got := stored(t, js, work.exit); p.once && got != n {
		t.Errorf("%s: %d messages for %d signals", p.name, got, n)
	}
	return float64(n) / took.Seconds(), cpu / time.Duration(n)
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// stored returns how many messages stand in a stream.
func stored(t *testing.T, js jetstream.JetStream, name string) int {
	t.Helper()
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatalf("asking for what arrived in %s: %v", name, err)
	}
	return int(stream.CachedInfo().State.Msgs)
}

// count fails the test unless every signal arrived, and only once where that is promised.
func (p *peer) count(ctx context.Context, t *testing.T, sub *nats.Subscription, work job, n int) {
	t.Helper()
	seen := make(map[string]int, n)
	for len(seen) < n {
		id := nextID(ctx, t, sub, work)
		if seen[id]++; seen[id] > 1 && p.once {
			t.Fatalf("%s: signal %s arrived %d times", p.name, id, seen[id])
		}
	}
	for i := range n {
		if id := fmt.Sprint("s", i); seen[id] == 0 {
			t.Fatalf("%s: signal %s is missing", p.name, id)
		}
	}
}

// propagation sends n signals, each after the one before has arrived, and returns how long each
// took from its publish to its arrival.
func (p *peer) propagation(t *testing.T, n int) []time.Duration {
	t.Helper()
	const warmUp = 50
	server := natstest.Start(t)
	work := p.start(t, server)
	js := open(t, server)
	sub := arrivals(t, server, work.exit)
	ctx, cancel := context.WithTimeout(t.Context(), jobTimeout)
	defer cancel()
	var took []time.Duration
	for i := range warmUp + n {
		id := fmt.Sprint("s", i)
		data := signal(id)
		start := time.Now()
		if _, err := js.PublishAsync(work.entry, data); err != nil {
			t.Fatal(err)
		}
		for nextID(ctx, t, sub, work) != id {
			// What else arrives is a copy of an earlier signal.
		}
		if i >= warmUp {
			took = append(took, time.Since(start))
		}
	}
	return took
}

// arrivals reads a stream from its beginning.
func arrivals(t *testing.T, server *natstest.Server, stream string) *nats.Subscription {
	t.Helper()
	js, err := dial(t, server).JetStream()
	if err != nil {
		t.Fatal(err)
	}
	sub, err := js.SubscribeSync("", nats.BindStream(stream), nats.OrderedConsumer())
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func nextID(ctx context.Context, t *testing.T, sub *nats.Subscription, work job) string {
	t.Helper()
	msg, err := sub.NextMsgWithContext(ctx)
	if err != nil {
		t.Fatalf("the next message of %s: %v", work.exit, err)
	}
	return work.idOf(msg.Data)
}

// dial connects without a socket: server and stages are one process, for every peer.
func dial(t *testing.T, server *natstest.Server) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect("", server.InProcess())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func open(t *testing.T, server *natstest.Server) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(dial(t, server), jetstream.WithPublishAsyncMaxPending(inFlight))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// plainJob makes a stream for each stage and one for what leaves the last: S1 to S6, each named as
// its only subject.
func plainJob(t *testing.T, server *natstest.Server) job {
	t.Helper()
	js := open(t, server)
	for i := range stages + 1 {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
			Name: topic(i), Subjects: []string{topic(i)}, Storage: jetstream.FileStorage, Replicas: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return job{entry: topic(0), exit: topic(stages), idOf: plainID}
}

func topic(stage int) string { return fmt.Sprint("S", stage+1) }

// openStage opens the durable consumer of a stage; what it delivers must be acknowledged. A push
// consumer has no requests that could run out.
func openStage(t *testing.T, nc *nats.Conn, stage int, policy nats.SubOpt) <-chan *nats.Msg {
	t.Helper()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	incoming := make(chan *nats.Msg, inFlight)
	_, err = js.ChanSubscribe(topic(stage), incoming, nats.Durable(fmt.Sprint("stage", stage+1)),
		nats.ManualAck(), policy, nats.MaxAckPending(inFlight))
	if err != nil {
		t.Fatal(err)
	}
	return incoming
}

// more appends to a batch what has arrived already, up to a limit.
func more(batch []*nats.Msg, incoming <-chan *nats.Msg, limit int) []*nats.Msg {
	for len(batch) < limit {
		select {
		case msg := <-incoming:
			batch = append(batch, msg)
		default:
			return batch
		}
	}
	return batch
}
