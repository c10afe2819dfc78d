package chaos_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// The kinds of faults.
const (
	kindKill    = "kill"    // kill -9 of a layer process, which starts again
	kindServer  = "server"  // kill -9 of NATS, which starts again after up to 2 s
	kindBoth    = "both"    // kill -9 of NATS and of up to three layer processes at once
	kindFreeze  = "freeze"  // SIGSTOP of a layer's processes for longer than their leases, then SIGCONT
	kindRolling = "rolling" // SIGTERM of one layer process after the other
	kindScale   = "scale"   // a layer goes to 1 replica, to 8 and to 2
	kindRescale = "rescale" // a layer goes to another number of replicas, 1 to 4
	kindNode    = "node"    // kill -9 of one server of a cluster, which starts again after up to 8 s
	kindCut     = "cut"     // one server of a cluster is off the network for a while
)

// faultSeconds is how long one of each kind takes, about: publishing is spread over the sum.
var faultSeconds = map[string]float64{
	kindKill: 1.5, kindServer: 3, kindBoth: 4, kindFreeze: 12, kindRolling: 6, kindScale: 10, kindRescale: 2.5,
	kindNode: 9, kindCut: 35,
}

func faultKinds() []string { return slices.Sorted(maps.Keys(faultSeconds)) }

// strike is a fault that happened.
type strike struct {
	kind  string
	what  string
	layer string    // that was hit; empty where it was NATS or several
	at    time.Time // when the process was gone, or stood still
	back  time.Time // when what was broken was mended
}

// storm brings faults over a fleet and its servers, one after the other, in an order and at moments
// that the seed decides.
type storm struct {
	fleet   *fleet
	server  *natsServer // alone, or
	cluster *cluster
	random  *rand.Rand
	freeze  time.Duration
	names   []string       // layers that may be hit
	base    map[string]int // replicas of each layer between the faults
	queue   []string       // kinds to come
	expect  time.Duration  // how long all of them take, about
	log     func(format string, args ...any)

	mu      sync.Mutex
	strikes []strike
}

// newStorm prepares so many faults of each kind, against the layers named.
func newStorm(w *world, s settings, faults map[string]int, names []string) *storm {
	st := &storm{
		fleet: w.fleet, server: w.server, cluster: w.cluster, random: rand.New(rand.NewPCG(uint64(s.seed), 1)), freeze: s.freeze,
		names: names, base: map[string]int{}, log: w.t.Logf,
	}
	st.plan(faults)
	for _, layer := range layerNames {
		st.base[layer] = 1
		if slices.Contains(names, layer) {
			st.base[layer] += st.random.IntN(2)
			st.base[layer] = cmp.Or(s.replicas, st.base[layer])
		}
	}
	return st
}

// plan shuffles the faults and adds up how long they take.
func (w *storm) plan(faults map[string]int) {
	seconds := 2.0
	for _, kind := range faultKinds() {
		for range faults[kind] {
			w.queue = append(w.queue, kind)
			seconds += faultSeconds[kind] + 1
			if kind == kindFreeze {
				seconds += max(0, w.freeze.Seconds()-8)
			}
		}
	}
	w.random.Shuffle(len(w.queue), func(i, j int) { w.queue[i], w.queue[j] = w.queue[j], w.queue[i] })
	w.expect = time.Duration(seconds * float64(time.Second))
}

// pause waits up to most, for a time that the seed decides.
func (w *storm) pause(ctx context.Context, most time.Duration) {
	pause(ctx, time.Duration(w.random.Int64N(int64(most))))
}

// run brings all faults and returns when everything is mended.
func (w *storm) run(ctx context.Context) error {
	for i, kind := range w.queue {
		w.pause(ctx, 2*time.Second)
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d faults happened before time was up", i, len(w.queue))
		}
		if err := w.strike(ctx, kind); err != nil {
			return fmt.Errorf("fault %d, %s: %w", i+1, kind, err)
		}
	}
	return w.mend()
}

// mend waits until all of the fleet is ready.
func (w *storm) mend() error {
	for _, layer := range layerNames {
		for _, r := range w.fleet.of(layer) {
			if err := w.fleet.await(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *storm) strike(ctx context.Context, kind string) error {
	switch kind {
	case kindKill:
		r := w.anyReplica()
		w.fleet.kill(r)
		w.hit(strike{kind: kind, what: r.name, layer: r.layer})
		return nil
	case kindServer:
		return w.killServer(ctx, kind)
	case kindBoth:
		return w.killServer(ctx, kind, w.victims()...)
	case kindFreeze:
		return w.freezeOwners(ctx)
	case kindRolling:
		return w.roll()
	case kindScale:
		return w.scale(ctx)
	case kindNode:
		return w.killNode(ctx)
	case kindCut:
		return w.cutNode(ctx)
	default:
		return w.rescale(ctx)
	}
}

func (w *storm) anyLayer() string { return w.names[w.random.IntN(len(w.names))] }

func (w *storm) anyReplica() *replica {
	all := w.fleet.of(w.anyLayer())
	return all[w.random.IntN(len(all))]
}

func (w *storm) victims() []*replica {
	var list []*replica
	for range 1 + w.random.IntN(3) {
		list = append(list, w.anyReplica())
	}
	return list
}

// killServer kills NATS, and replicas at the same moment.
func (w *storm) killServer(ctx context.Context, kind string, victims ...*replica) error {
	hit := strike{kind: kind, what: w.server.name}
	var group sync.WaitGroup
	for _, r := range victims {
		hit.what += " " + r.name
		group.Go(func() { w.fleet.kill(r) })
	}
	w.server.kill()
	group.Wait()
	done := w.hit(hit)
	w.pause(ctx, 2*time.Second)
	if err := w.server.start(ctx); err != nil {
		return err
	}
	done()
	return nil
}

// freezeOwners makes zombies: all processes of a layer stand still, and whoever owns its partitions
// is among them; one that was added just before replaces them; then they go on as if nothing had
// happened.
func (w *storm) freezeOwners(ctx context.Context) error {
	layer := w.anyLayer()
	old := w.fleet.of(layer)
	if err := w.fleet.scale(ctx, layer, len(old)+1, w.random.IntN); err != nil {
		return err
	}
	w.pause(ctx, time.Second)
	hit := strike{kind: kindFreeze, layer: layer}
	var thaw []func()
	for _, r := range old {
		one, err := w.fleet.freeze(r)
		if err != nil {
			return err
		}
		thaw = append(thaw, one)
		hit.what = strings.TrimSpace(hit.what + " " + r.name)
	}
	done := w.hit(hit)
	pause(ctx, w.freeze)
	w.pause(ctx, 3*time.Second)
	for _, one := range thaw {
		one()
	}
	done()
	w.pause(ctx, 2*time.Second)
	return w.fleet.scale(ctx, layer, len(old), w.random.IntN)
}

func (w *storm) roll() error {
	done := w.hit(strike{kind: kindRolling, what: strings.Join(w.names, " ")})
	for _, layer := range w.names {
		for _, r := range w.fleet.of(layer) {
			if err := w.fleet.restart(r); err != nil {
				return err
			}
		}
	}
	done()
	return nil
}

func (w *storm) scale(ctx context.Context) error {
	layer := w.anyLayer()
	done := w.hit(strike{kind: kindScale, what: layer + " to 1, 8 and 2", layer: layer})
	for _, n := range []int{1, 8, 2, w.base[layer]} {
		if err := w.fleet.scale(ctx, layer, n, w.random.IntN); err != nil {
			return err
		}
		w.pause(ctx, 2*time.Second)
	}
	done()
	return nil
}

func (w *storm) rescale(ctx context.Context) error {
	layer := w.anyLayer()
	now := len(w.fleet.of(layer))
	n := 1 + (now+w.random.IntN(3))%4 // any but the present number
	done := w.hit(strike{kind: kindRescale, what: fmt.Sprintf("%s from %d to %d", layer, now, n), layer: layer})
	if err := w.fleet.scale(ctx, layer, n, w.random.IntN); err != nil {
		return err
	}
	done()
	return nil
}

// hit notes a fault; the result notes that it is mended.
func (w *storm) hit(s strike) (mended func()) {
	s.at = time.Now()
	w.log("%s %s", s.kind, s.what)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.strikes = append(w.strikes, s)
	i := len(w.strikes) - 1
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.strikes[i].back = time.Now()
	}
}
