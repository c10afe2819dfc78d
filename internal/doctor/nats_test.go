package doctor

import (
	"context"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestNothingAnswers(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t)
	url := server.ClientURL()
	server.Stop()
	opts := options(url)
	opts.HTTP = []string{strings.Replace(url, "nats://", "http://", 1)}
	r := examine(t, opts)
	if r.State != StateUnknown || r.ExitCode() != 2 {
		t.Errorf("%s, exit code %d; want unknown and 2", r.State, r.ExitCode())
	}
	f := finding(t, r, "nats-unreachable")
	f.holds(t, SeverityCritical, url, "port-forward")
	r.without(t, "process-unreachable")
	opts.Asked = true
	f = finding(t, examine(t, opts), "process-unreachable")
	f.holds(t, SeverityCritical, "connection refused")
}

func TestNotProvisioned(t *testing.T) {
	t.Parallel()
	r := examine(t, options(natstest.Start(t).ClientURL()))
	f := finding(t, r, "not-provisioned")
	f.holds(t, SeverityCritical, "HAL9_L1", "hal9 provision --dry-run --nats nats://127.0.0.1:")
	if r.ExitCode() != 1 || len(r.Findings) != 1 {
		t.Errorf("exit code %d, %d findings; want 1 and this one:%s", r.ExitCode(), len(r.Findings), show(r))
	}
}

// TestProvisionedIsComplete says that what provisioning makes is never found missing or changed.
func TestProvisionedIsComplete(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*bus.Topology){
		func(t *bus.Topology) { t.Partitions, t.StoreBytes = 7, 1<<30 },
		func(t *bus.Topology) { t.Alone = true },
	} {
		url, _ := provisioned(t, change)
		r := examine(t, options(url))
		r.without(t, "missing", "changed", "not-provisioned", "stalled", "stream-full", "lost-leader")
		f := finding(t, r, "absent")
		f.holds(t, SeverityWarning, "nobody runs L1, L2, L3, L4, L5", "hal9 run --layer L4 --nats nats://127.0.0.1:")
	}
}

func TestDeletedAndChanged(t *testing.T) {
	t.Parallel()
	url, js := provisioned(t, func(t *bus.Topology) { t.Partitions = 3 })
	ctx := t.Context()
	if err := js.DeleteConsumer(ctx, "HAL9_L3_01", "l3-01"); err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(ctx, "KV_"+pipeline.BucketTuning); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(ctx, pipeline.StreamOf(1, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.Discard = jetstream.DiscardOld
	if _, err := js.UpdateStream(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	r := examine(t, options(url))
	f := finding(t, r, "missing")
	f.holds(t, SeverityCritical, "2 streams or consumers missing", "consumer l3-01 on HAL9_L3_01", "bucket hal9_tuning", "provision --partitions 3 --nats nats://127.0.0.1:")
	r.without(t, "unmeasured") // The cause is told.
	if !slices.ContainsFunc(r.Looked, func(l Look) bool { return l.What == "queue of L3" && !l.OK }) {
		t.Errorf("L3 can't be measured, and nobody says so: %+v", r.Looked)
	}
	f = finding(t, r, "changed")
	f.holds(t, SeverityWarning, "stream HAL9_L1: discard: DiscardOld → DiscardNew")
}

// TestNobodyTakesSignals stores signals while no process runs.
func TestNobodyTakesSignals(t *testing.T) {
	t.Parallel()
	url, js := provisioned(t, nil)
	for range 3 {
		publish(t, js, "hal9.signals.test", "hello")
	}
	publish(t, js, "hal9.l3.0", "a pack", pipeline.HeaderSignals, "40")
	r := examine(t, options(url))
	var stalled []Finding
	for _, f := range r.Findings {
		if f.ID == "stalled" {
			stalled = append(stalled, f)
		}
	}
	if len(stalled) != 2 {
		t.Fatalf("%d stalled layers, want L1 and L3:%s", len(stalled), show(r))
	}
	stalled[0].holds(t, SeverityCritical, "nobody runs L1: 3 signals, the oldest", "0 open pulls", "never delivered", "hal9 run --layer L1")
	stalled[1].holds(t, SeverityCritical, "nobody runs L3: 40 signals", "l3 on HAL9_L3: 1 messages wait")
	f := finding(t, r, "absent")
	f.holds(t, SeverityWarning, "nobody runs L2, L4, L5")
	r.without(t, "behind")
	if line := r.Layers[2]; line.Waiting != 40 || line.Processes != 0 || !line.Known {
		t.Errorf("L3: %+v", line)
	}
}

// TestNobodyTakesSignalsOfSeveralPartitions has a layer of many consumers without a process.
func TestNobodyTakesSignalsOfSeveralPartitions(t *testing.T) {
	t.Parallel()
	url, js := provisioned(t, func(t *bus.Topology) { t.Partitions = 3 })
	for _, subject := range []string{"hal9.l3.0", "hal9.l3.1"} {
		publish(t, js, subject, "a pack", pipeline.HeaderSignals, "20")
	}
	f := finding(t, examine(t, options(url)), "stalled")
	f.holds(t, SeverityCritical, "nobody runs L3: 40 signals, the oldest")
}

// TestFetchedAndForgotten takes a signal and never settles it, as a process that hangs does.
func TestFetchedAndForgotten(t *testing.T) {
	t.Parallel()
	url, js := provisioned(t, nil)
	publish(t, js, "hal9.signals.test", "hello")
	consumer, err := js.Consumer(t.Context(), "HAL9_L1", "l1")
	if err != nil {
		t.Fatal(err)
	}
	batch, err := consumer.Fetch(1)
	if err != nil {
		t.Fatal(err)
	}
	for range batch.Messages() {
	}
	f := finding(t, examine(t, options(url)), "stalled")
	f.holds(t, SeverityCritical, "0 messages wait, 1 taken and not settled", "last delivered")
	opts := options(url)
	opts.Still = time.Hour
	examine(t, opts).without(t, "stalled")
}

func TestStreamNearFull(t *testing.T) {
	t.Parallel()
	url, js := provisioned(t, func(t *bus.Topology) { t.StoreBytes = 64 << 20 })
	mib := strings.Repeat("x", 1<<20)
	fill := func(n int) *Report {
		for range n {
			publish(t, js, "hal9.signals.test", mib)
		}
		return examine(t, options(url))
	}
	fill(16).without(t, "stream-full")
	f := finding(t, fill(2), "stream-full")
	f.holds(t, SeverityWarning, "HAL9_L1 is 8", "18.0 MiB of 21.3 MiB")
	f = finding(t, fill(3), "stream-full")
	f.holds(t, SeverityCritical, "HAL9_L1 is 9")
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	url, js := provisioned(t, nil)
	examine(t, options(url)).without(t, "dead-letters")
	for range 5 {
		publish(t, js, "hal9.dead.L1", "{", pipeline.HeaderError, "broken JSON: it ends at byte 1")
	}
	publish(t, js, "hal9.dead.sink", "{}", pipeline.HeaderError, "webhook answered 500")
	f := finding(t, examine(t, options(url)), "dead-letters")
	f.holds(t, SeverityWarning, "6 dead letters in the last hour", "5 × L1 broken JSON", "1 × sink webhook", "hal9 dead ls --since 1h --nats nats://127.0.0.1:")
	if strings.Contains(f.What, "rising") {
		t.Errorf("%q, though none came", f.What)
	}
	opts := options(url)
	opts.Between = time.Second
	go func() {
		time.Sleep(300 * time.Millisecond)
		_, _ = js.Publish(t.Context(), "hal9.dead.L2", []byte("{}"))
	}()
	f = finding(t, examine(t, opts), "dead-letters")
	f.holds(t, SeverityWarning, "rising: 1 in")
}

// freezing returns the address of a proxy that passes nothing more on to a server behind the second request of a kind.
func freezing(t *testing.T, server, request string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(server, "nats://"))
			if err != nil {
				return
			}
			t.Cleanup(func() { _, _ = from.Close(), to.Close() })
			go func() { _, _ = io.Copy(from, to) }()
			go func() {
				buffer := make([]byte, 64<<10)
				for seen := 0; seen < 2; {
					n, err := from.Read(buffer)
					if err != nil {
						return
					}
					seen += strings.Count(string(buffer[:n]), request)
					if _, err := to.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "nats://" + listener.Addr().String()
}

// TestSecondLookThatTakesTooLong: what could not be listed in time is not missing, and nobody says that all is well.
func TestSecondLookThatTakesTooLong(t *testing.T) {
	t.Parallel()
	url, js := provisioned(t, nil)
	publish(t, js, "hal9.signals.test", "hello")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	facts := Examine(ctx, options(freezing(t, url, "$JS.API.STREAM.LIST")), slog.New(slog.DiscardHandler))
	r := NewReport(facts, nil)
	r.without(t, "missing", "stalled")
	if !slices.ContainsFunc(r.Looked, func(l Look) bool { return l.What == "NATS, second look" && !l.OK }) {
		t.Errorf("nobody says that there was no second look: %+v", r.Looked)
	}
	f := finding(t, r, "unmeasured")
	f.holds(t, SeverityWarning, "what waits for 5 layers could not be measured")
}
