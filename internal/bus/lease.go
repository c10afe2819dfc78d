package bus

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// LeaseTime is how long partitions stay with a process that is not heard of any more.
const LeaseTime = 3 * time.Second

// The other times of leases.
const (
	leaseRenewal    = LeaseTime / 4          // between renewals of a session
	leaseValidity   = LeaseTime * 3 / 5      // for which a process counts on a renewal; the rest is margin
	leaseSilence    = LeaseTime * 5 / 6      // after which the others end a session; the server does after LeaseTime
	leaseRequest    = LeaseTime / 4          // for which a write of the session's may take
	leaseRetry      = 100 * time.Millisecond // between tries of what failed
	leaseSettle     = 300 * time.Millisecond // without another process joining, before partitions move
	leaseSettleMost = time.Second            // for which joining processes may hold up a move
	leaseMarks      = time.Minute            // for which it stands in the bucket that a session is gone
)

// leaseMoves bounds how many stages a process gives back at the same time: each is idle from its last
// checkpoint here until it is restored elsewhere, and all at once would be slow ones.
const leaseMoves = 8

// Leases spreads stages over the processes that ask for them: each stage has one owner, and the shares
// of a layer's stages differ by one at most. The owner of a lease is a session (see leaserecord.go). Who has
// more than its share gives stages back once their work is settled, who has less takes the free ones by
// compare-and-set, whose revision is the fencing token. It implements pipeline.Leases. As long as
// stages are asked for it keeps one goroutine to follow the others and one to renew its session.
type Leases struct {
	bus     *Bus
	keys    jetstream.KeyValue
	store   leaseStore
	owner   string // as people know this process
	process string // as it is named in sessions
	filters []string
	log     *slog.Logger
	began   time.Time

	life sync.Mutex         // held while the keeper starts or stops
	stop context.CancelFunc // ends the keeper
	over chan struct{}      // closed when the keeper has ended

	woken chan struct{} // something changed in this process

	mu        sync.Mutex
	alone     bool // nobody else works on this NATS
	solo      bool // and nobody else can: see Alone
	fresh     bool // this process has just started
	lives     int  // sessions so far
	holds     map[string]*hold
	guests    map[*ownership]bool // those who take part without owning a stage
	stages    map[string][]string // by layer: all that were ever asked for
	view      *leaseView
	session   *session        // nil while there is none
	trouble   error           // why there is none
	announced map[string]bool // layers in the session's record
	moves     moves
}

// Leases opens the bucket. owner names this process to people who look; only names the layers whose
// stages it asks for, by default all.
func (b *Bus) Leases(ctx context.Context, owner string, only ...layers.Name) (*Leases, error) {
	keys, err := b.bucket(ctx, pipeline.BucketLeases)
	if err != nil {
		return nil, err
	}
	if err := b.checkLeases(ctx, keys); err != nil {
		return nil, err
	}
	group, filters := everyLayer, []string{">"}
	if len(only) == 1 {
		group = only[0].String()
		filters = []string{group + ".*", memberKeys + group + ".*", memberKeys + everyLayer + ".*"}
		if only[0] == layers.NameL4 {
			filters = append(filters, pipeline.VoterStages)
		}
	}
	return b.newLeases(keys, owner, group, filters), nil
}

// ScalerLeases is Leases for processes that run no layer but ask for pipeline.StageScaler: they are in a group of their own.
func (b *Bus) ScalerLeases(ctx context.Context, owner string) (*Leases, error) {
	keys, err := b.bucket(ctx, pipeline.BucketLeases)
	if err == nil {
		err = b.checkLeases(ctx, keys)
	}
	if err != nil {
		return nil, err
	}
	group := layerOf(pipeline.StageScaler)
	return b.newLeases(keys, owner, group, []string{group + ".*", memberKeys + group + ".*"}), nil
}

func (b *Bus) newLeases(keys jetstream.KeyValue, owner, group string, filters []string) *Leases {
	return &Leases{
		bus: b, keys: keys, store: leaseStore{b.js}, owner: owner, log: b.log, began: time.Now(),
		process: group + "." + nuid.Next(), filters: filters,
		woken: make(chan struct{}, 1), holds: map[string]*hold{}, guests: map[*ownership]bool{}, stages: map[string][]string{}, view: newLeaseView(),
	}
}

// checkLeases refuses a bucket that an earlier version made.
func (b *Bus) checkLeases(ctx context.Context, keys jetstream.KeyValue) error {
	ctx, cancel := ask(ctx)
	defer cancel()
	status, err := keys.Status(ctx)
	if err != nil {
		return b.bucketError(pipeline.BucketLeases, err)
	}
	if status.LimitMarkerTTL() == 0 {
		return fmt.Errorf("bus: bucket %s is that of an earlier version: run `hal9 provision --nats %s`", pipeline.BucketLeases, b.URL())
	}
	return nil
}

// Clear forgets all leases and sessions: for a process that knows to be the only one.
func (l *Leases) Clear(ctx context.Context) error {
	l.mu.Lock()
	l.alone = true
	l.mu.Unlock()
	ctx, cancel := ask(ctx)
	defer cancel()
	stream, err := l.bus.js.Stream(ctx, leaseStream)
	if err == nil && stream.CachedInfo().State.Msgs > 0 {
		err = stream.Purge(ctx)
	}
	if err != nil {
		return fmt.Errorf("bus: clear the leases: %w", err)
	}
	return nil
}

// Owned returns how many stages of a layer this process owns.
func (l *Leases) Owned(layer layers.Name) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.holds {
		if h.place == placeWorking && h.layer == layer.String() {
			n++
		}
	}
	return n
}

// Eldest reports whether this process takes part in a layer for longer than any other that lives: of all that do, one, but for moments in
// which the eldest has gone and not all have heard of it, and none until LeaseTime after it was killed.
func (l *Leases) Eldest(layer layers.Name) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.solo {
		return true
	}
	if l.session == nil || !l.session.valid() {
		return false
	}
	members := l.view.membersOf(layer.String())
	return len(members) > 0 && members[0] == l.process
}

// Standing implements pipeline.Leases.
func (l *Leases) Standing(stage string) (text string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.holds[stage]
	state := l.view.leases[stage]
	process, _ := processOf(state.session)
	_, alive := l.view.members[state.session]
	switch {
	case l.solo:
		return "starting", false
	case l.session == nil && l.trouble != nil:
		return "standing by: no session with NATS: " + l.trouble.Error(), false
	case l.session == nil:
		return "standing by: no session with NATS", false
	case h != nil && h.place != placeWaiting:
		return "taking over " + stage, false
	case alive && process != l.process:
		return "standing by: " + state.owner + " owns " + stage, true
	case h == nil || h.turn != turnOthers:
		return "waiting for " + stage, false
	default:
		return "standing by: nobody owns " + stage + " at the moment", true
	}
}

// now is the process's monotonic clock.
func (l *Leases) now() time.Duration { return time.Since(l.began) }

func (l *Leases) wake() {
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

// wanted returns the layers of which stages are asked for. It is called with mu held.
func (l *Leases) wanted() map[string]bool {
	list := map[string]bool{}
	for _, h := range l.holds {
		if !h.ending {
			list[h.layer] = true
		}
	}
	return list
}

// know remembers a stage for good, since shares are those of all stages. It is called with mu held.
func (l *Leases) know(layer, stage string) {
	list := l.stages[layer]
	if at, found := slices.BinarySearchFunc(list, stage, compareStages); !found {
		l.stages[layer] = slices.Insert(list, at, stage)
	}
}

func (l *Leases) nextSession() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lives++
	return sessionID(l.process, l.lives)
}
