package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// How a puller asks.
const (
	// pullExpiry ends the request of a process that was frozen or cut off soon after another owns its stage.
	pullExpiry    = 5 * time.Second
	pullHeartbeat = 2 * time.Second
	// pullSilence without any sign of the server means that a request got lost.
	pullSilence = 2*pullHeartbeat + time.Second
	// pullBytes is what a stage may hold of its backlog, scoutBytes what the scout may.
	pullBytes  = 4 << 20
	scoutBytes = 16 << 20
)

// ackPrefix begins the reply subject of every message that wants an acknowledgement; a status has
// none, whatever the headers of a publisher's message look like.
const ackPrefix = "$JS.ACK."

// puller keeps pull requests open on one consumer, once somebody waits for messages. It does by hand what
// jetstream's Consume does, because Consume of nats.go 1.55 loses a wake-up on a busy machine and then stands still until
// two heartbeats are missed (see docs/decisions.md). All of it runs on the stage's goroutine.
type puller struct {
	nc       *nats.Conn
	subject  string // of pull requests
	bytes    int    // that one request brings at most
	roof     int    // messages that may ever be open
	most     int    // messages that may be open now
	sub      *nats.Subscription
	incoming chan *nats.Msg
	open     int // messages asked for and not received
	heard    time.Time

	taken uint64 // messages so far
	marks []mark // when so many had been taken; the first one is when nothing waited here, or early enough
}

// mark is when so many messages had been taken.
type mark struct {
	taken uint64
	at    time.Time
}

// statusError is an answer after which a consumer gives nothing more.
type statusError struct{ status, description string }

func (e *statusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("bus: the server answered %s %s", e.status, e.description))
}

// Unwrap returns ErrDisconnected: whichever way a server goes, what was in flight is uncertain.
func (e *statusError) Unwrap() error {
	if e.status == statusNobody || strings.Contains(strings.ToLower(e.description), "shutdown") {
		return ErrDisconnected
	}
	return nil
}

// statusNobody is what NATS answers where nobody listens to a request.
const statusNobody = "503"

// openMost returns how many messages a stage may have open. A stream serves its senders and its consumers in
// turns, to each all that is there: whoever asks for little gets little while many send. Packs are
// few; signals and verdicts are many. The scout must get through all that comes, and passes over nearly all of it:
// it asks for more than senders have under way.
func openMost(key pipeline.StageKey) int {
	if key.Scouts() {
		return scoutMost
	}
	if key.Layer == layers.NameL1 || key.Objectives {
		return 2 * burstMax
	}
	return burstMax / 8
}

// scoutMost is how many messages the scout may have open, and scoutBurst how many it takes at a time: what follows from a burst is stored
// before the next one is looked at, and under overload storing takes longer than looking at them all.
const (
	scoutMost  = 16 * burstMax
	scoutBurst = 4 * burstMax
)

// bytesMost returns how many bytes a stage may have open.
func (b *Bus) bytesMost(key pipeline.StageKey) int {
	if key.Scouts() {
		return max(scoutBytes, 2*b.MaxPayload())
	}
	return max(pullBytes, 2*b.MaxPayload())
}

func (b *Bus) newPuller(key pipeline.StageKey) (*puller, error) {
	p := &puller{
		nc: b.nc, subject: "$JS.API.CONSUMER.MSG.NEXT." + key.Stream() + "." + key.Durable(),
		bytes: b.bytesMost(key), roof: openMost(key), most: openMost(key),
	}
	// Room for all that can be open, and for the statuses between.
	p.incoming = make(chan *nats.Msg, 2*p.roof)
	var err error
	if p.sub, err = b.nc.ChanSubscribe(b.nc.NewInbox(), p.incoming); err != nil {
		return nil, fmt.Errorf("bus: subscribe: %w", err)
	}
	return p, nil
}

// windowLeast is what every stage may have open: room to ask for more while it works.
const windowLeast = 4

// narrow sets how many messages may be open from now on; 0 stands for as many as ever.
func (p *puller) narrow(window int) {
	p.most = p.roof
	if window > 0 {
		p.most = min(max(window, windowLeast), p.roof)
	}
}

// ask opens a request where less than half of what may be open is.
func (p *puller) ask() error {
	if p.open > p.most/2 { // Also where fewer may be open than before.
		return nil
	}
	body, err := json.Marshal(map[string]any{
		"batch": p.most - p.open, "max_bytes": p.bytes, "expires": pullExpiry, "idle_heartbeat": pullHeartbeat,
	})
	if err != nil {
		return fmt.Errorf("bus: pull request: %w", err)
	}
	if err := p.nc.PublishRequest(p.subject, p.sub.Subject, body); err != nil {
		return fmt.Errorf("%w: pull: %w", ErrDisconnected, err)
	}
	p.heard = time.Now()
	p.open = p.most
	return nil
}

// since returns a time before which the server did not deliver the next message: nothing waited here then, or so many
// messages fewer had been taken as may be open, so that it had not been asked for.
func (p *puller) since() time.Time {
	for len(p.marks) > 1 && p.marks[1].taken+uint64(p.roof) <= p.taken {
		p.marks = p.marks[1:]
	}
	return p.marks[0].at
}

// drain notes that nothing waits here: whatever comes is delivered from now on.
func (p *puller) drain() {
	now := time.Now()
	if len(p.incoming) == 0 || len(p.marks) == 0 {
		p.marks = append(p.marks[:0], mark{p.taken, now})
	}
}

// note remembers when the messages up to here were taken.
func (p *puller) note() { p.marks = append(p.marks, mark{p.taken, time.Now()}) }

// receive takes a message that came in: isSignal says that it is one of the stream's. Others tell how
// a request fares.
func (p *puller) receive(msg *nats.Msg) (isSignal bool, err error) {
	p.heard = time.Now()
	if strings.HasPrefix(msg.Reply, ackPrefix) {
		p.open--
		p.taken++
		return true, nil
	}
	status, description := msg.Header.Get("Status"), msg.Header.Get("Description")
	switch {
	case status == "100": // heartbeat
		return false, nil
	case status == "404", status == "408", status == "409" && isPassing(description):
		left, err := strconv.Atoi(msg.Header.Get("Nats-Pending-Messages"))
		if err != nil {
			left = p.open // It does not say, so nothing is taken for granted.
		}
		p.open = max(0, p.open-left)
		return false, p.ask()
	default:
		return false, &statusError{status, description}
	}
}

// isPassing reports whether a 409 ends one request only.
func isPassing(description string) bool {
	text := strings.ToLower(description)
	return !strings.Contains(text, "deleted") && !strings.Contains(text, "shutdown") && !strings.Contains(text, "push based")
}

// check asks anew where the server has been silent although a request should be open. Where something waits here it was not: its
// stage was long at a burst.
func (p *puller) check() error {
	if len(p.incoming) == 0 && time.Since(p.heard) > pullSilence {
		p.open = 0
	}
	return p.ask()
}

func (p *puller) close() error {
	err := p.sub.Unsubscribe()
	if errors.Is(err, nats.ErrConnectionClosed) {
		return nil
	}
	return err
}
