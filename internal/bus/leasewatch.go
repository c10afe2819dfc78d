package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// How a watch notices that the server forgot it.
const (
	watchHeartbeat = 2 * time.Second
	watchSilence   = 2*watchHeartbeat + time.Second
	watchRoom      = 8192 // entries that may wait to be read
)

// errWatch ends a watch that may have missed something.
var errWatch = errors.New("bus: the watch of the leases broke")

// leaseWatch hands out the bucket of leases: first the last record of every key, then what changes, in the
// order of the stream. It has no goroutine of its own and does not mend itself: whoever reads it opens
// a new one, which begins with every key again.
type leaseWatch struct {
	bus      *Bus
	sub      *nats.Subscription
	incoming chan *nats.Msg
	broken   <-chan struct{}
	consumer string
	last     uint64 // delivered by the consumer
	heard    time.Time
	current  bool // all that was there at the beginning has been read
}

// watchLeases opens a watch of the keys that match filters.
func (b *Bus) watchLeases(ctx context.Context, filters []string) (*leaseWatch, error) {
	w := &leaseWatch{bus: b, incoming: make(chan *nats.Msg, watchRoom), broken: b.brokenChan(), heard: time.Now()}
	var err error
	if w.sub, err = b.nc.ChanSubscribe(b.nc.NewInbox(), w.incoming); err != nil {
		return nil, fmt.Errorf("bus: watch leases: %w", err)
	}
	subjects := make([]string, len(filters))
	for i, filter := range filters {
		subjects[i] = leaseSubjects + filter
	}
	consumer, err := b.js.CreateOrUpdatePushConsumer(ctx, leaseStream, jetstream.ConsumerConfig{
		DeliverSubject: w.sub.Subject, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubjects: subjects,
		AckPolicy: jetstream.AckNonePolicy, IdleHeartbeat: watchHeartbeat, InactiveThreshold: watchSilence,
		MemoryStorage: true, Replicas: 1,
	})
	if err != nil {
		_ = w.sub.Unsubscribe()
		return nil, fmt.Errorf("bus: watch leases: %w", err)
	}
	w.consumer = consumer.CachedInfo().Name
	w.current = consumer.CachedInfo().NumPending == 0
	return w, nil
}

// leaseStream is the stream below the bucket of leases.
const leaseStream = "KV_" + pipeline.BucketLeases

// entry returns the record in a message; ok is false where it is none. An error says that something
// was missed.
func (w *leaseWatch) entry(msg *nats.Msg) (e leaseEntry, ok bool, err error) {
	w.heard = time.Now()
	if !strings.HasPrefix(msg.Reply, ackPrefix) {
		return e, false, w.status(msg)
	}
	meta, err := msg.Metadata()
	if err != nil {
		return e, false, fmt.Errorf("%w: %w", errWatch, err)
	}
	if meta.Sequence.Consumer != w.last+1 {
		return e, false, fmt.Errorf("%w: entry %d came after %d", errWatch, meta.Sequence.Consumer, w.last)
	}
	w.last = meta.Sequence.Consumer
	w.current = w.current || meta.NumPending == 0
	e = leaseEntry{
		key: strings.TrimPrefix(msg.Subject, leaseSubjects), revision: meta.Sequence.Stream, value: msg.Data,
		gone: msg.Header.Get("KV-Operation") != "" || msg.Header.Get("Nats-Marker-Reason") != "",
	}
	return e, true, nil
}

// status takes a message of the server's own: a heartbeat tells what was delivered last.
func (w *leaseWatch) status(msg *nats.Msg) error {
	if status := msg.Header.Get("Status"); status != "100" {
		return fmt.Errorf("%w: %s %s", errWatch, status, msg.Header.Get("Description"))
	}
	delivered, err := strconv.ParseUint(msg.Header.Get("Nats-Last-Consumer"), 10, 64)
	if err == nil && delivered != w.last {
		return fmt.Errorf("%w: %d entries were delivered and %d came", errWatch, delivered, w.last)
	}
	return nil
}

// silent reports whether the watch has shown no sign of life for too long.
func (w *leaseWatch) silent() bool { return time.Since(w.heard) > watchSilence }

func (w *leaseWatch) close(ctx context.Context) {
	if err := w.sub.Unsubscribe(); err != nil {
		return // The connection is closed, and the server forgets the consumer by itself.
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := w.bus.js.DeleteConsumer(ctx, leaseStream, w.consumer); err != nil {
		w.bus.log.DebugContext(ctx, "watch not taken down, it expires", "error", err)
	}
}
