package e2e_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/natstest"
)

// owned returns how many partitions of a layer a process owns.
func (p *process) owned(t *testing.T, layer string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.HTTP+"/v1/status", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var status struct {
		Layers []struct {
			Layer           string `json:"layer"`
			PartitionsOwned int    `json:"partitions_owned"`
		} `json:"layers"`
	}
	if err := json.NewDecoder(res.Body).Decode(&status); err != nil {
		t.Fatal(err)
	}
	for _, l := range status.Layers {
		if l.Layer == layer {
			return l.PartitionsOwned
		}
	}
	return 0
}

// balanced waits until the partitions of a layer are shared as evenly as can be.
func balanced(t *testing.T, layer string, partitions int, processes ...*process) time.Duration {
	t.Helper()
	var counts []int
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(20 * time.Millisecond) {
		counts = counts[:0]
		sum := 0
		for _, p := range processes {
			n := p.owned(t, layer)
			counts = append(counts, n)
			sum += n
		}
		if sum == partitions && slices.Max(counts)-slices.Min(counts) <= 1 {
			return time.Since(start)
		}
	}
	t.Fatalf("%d partitions of %s are owned as %v", partitions, layer, counts)
	return 0
}

// stream sends signals one after the other, each for another partition in turn, until it is stopped.
type stream struct {
	js   jetstream.JetStream
	keys []string

	mu   sync.Mutex
	sent []time.Time
	stop chan struct{}
	over chan error
}

func startStream(js jetstream.JetStream, partitions int) *stream {
	s := &stream{js: js, keys: make([]string, partitions), stop: make(chan struct{}), over: make(chan error, 1)}
	for i, left := 0, partitions; left > 0; i++ {
		key := fmt.Sprint("host-", i)
		hash := fnv.New32a()
		hash.Write([]byte(key))
		if p := hash.Sum32() % uint32(partitions); s.keys[p] == "" {
			s.keys[p] = key
			left--
		}
	}
	go func() { s.over <- s.run() }()
	return s
}

func (s *stream) run() error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-s.stop:
			return nil
		case <-ticker.C:
		}
		s.mu.Lock()
		s.sent = append(s.sent, time.Now())
		s.mu.Unlock()
		data := fmt.Appendf(nil, `{"id":"%d","host":%q,"level":"info","msg":"request %d took %d ms"}`, i, s.keys[i%len(s.keys)], i, i%97)
		if _, err := s.js.PublishAsync("hal9.signals.rescale", data); err != nil {
			return err
		}
	}
}

// end stops sending and returns the ids.
func (s *stream) end(t *testing.T) map[string]bool {
	t.Helper()
	close(s.stop)
	if err := <-s.over; err != nil {
		t.Fatal(err)
	}
	<-s.js.PublishAsyncComplete()
	ids := map[string]bool{}
	for i := range s.sent {
		ids[fmt.Sprint("rescale|", i)] = true
	}
	return ids
}

// pause returns the longest time that a signal sent in an interval waited for its verdict.
func (s *stream) pause(decided map[string]time.Time, from, to time.Time) (longest time.Duration) {
	for i, sent := range s.sent {
		if sent.After(from) && sent.Before(to) {
			longest = max(longest, decided[strconv.Itoa(i)].Sub(sent))
		}
	}
	return longest
}

func decidedAt(t *testing.T, js jetstream.JetStream) map[string]time.Time {
	t.Helper()
	decided := map[string]time.Time{}
	read(t, js, "HAL9_VERDICTS", func(msg jetstream.Msg) {
		var v struct {
			SignalID  string    `json:"signal_id"`
			DecidedAt time.Time `json:"decided_at"`
		}
		if err := json.Unmarshal(msg.Data(), &v); err != nil {
			t.Error(err)
		}
		decided[v.SignalID] = v.DecidedAt
	})
	return decided
}

// TestPartitionsMoveWhileSignalsCome adds, kills and stops processes of L2 while signals for all of its
// partitions come in. All of them get their one verdict, and none waits for longer than a takeover may take.
func TestPartitionsMoveWhileSignalsCome(t *testing.T) {
	rescale(t, 12)
}

func rescale(t *testing.T, partitions int) {
	t.Helper()
	server := natstest.Start(t)
	runs(t, "provision", "--nats", server.ClientURL(), "--partitions", strconv.Itoa(partitions))
	run := func(layer string) *process { return start(t, "run", "--layer", layer, "--nats", server.ClientURL()) }
	rest := []*process{run("L1"), run("L3"), run("L4"), run("L5")}
	l2 := []*process{run("L2"), run("L2"), run("L2")}
	balanced(t, "L2", partitions+1, l2...)
	_, js := dial(t, server.ClientURL())
	s := startStream(js, partitions)
	time.Sleep(time.Second) // Signals come in, here and below.

	killed := time.Now()
	l2[0].kill()
	l2 = l2[1:]
	balanced(t, "L2", partitions+1, l2...)
	t.Logf("balanced %s after kill -9", time.Since(killed).Round(time.Millisecond))
	time.Sleep(time.Second) // The load goes on while nothing moves.

	stopped := time.Now()
	l2[0].stop(t)
	l2 = l2[1:]
	balanced(t, "L2", partitions+1, l2...)
	t.Logf("balanced %s after SIGTERM", time.Since(stopped).Round(time.Millisecond))
	time.Sleep(time.Second) // The load goes on while nothing moves.

	added := time.Now()
	l2 = append(l2, run("L2"), run("L2"))
	balanced(t, "L2", partitions+1, l2...)
	t.Logf("balanced %s after two were started", time.Since(added).Round(time.Millisecond))
	time.Sleep(time.Second) // The load goes on while nothing moves.

	ids := s.end(t)
	over := time.Now()
	eachOnce(t, js, ids)
	decided := decidedAt(t, js)
	t.Logf("%d signals; the longest wait was %s after kill -9, %s after SIGTERM, %s after two were started", len(ids),
		s.pause(decided, killed.Add(-time.Second), stopped), s.pause(decided, stopped, added), s.pause(decided, added, over))
	if wait := s.pause(decided, killed, stopped); wait > 15*time.Second {
		t.Errorf("a signal waited for %s after kill -9", wait)
	}
	for _, p := range append(rest, l2...) {
		p.stop(t)
	}
}
