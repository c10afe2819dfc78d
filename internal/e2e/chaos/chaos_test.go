package chaos_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// configText gives every layer something to do: L1 has a rule, L4 playbooks, one with actions, situations close within
// the run.
const configText = `
rules:
  - {name: health, when: data.path == "/healthz", then: suppress, reason: health checks need nobody}
windows: {lateness: 5s, situation: 20s}
playbooks:
  - {name: disk-full, when: 'title.contains("disk")', title: Make room, steps: [delete old logs, grow the volume]}
  - name: look
    when: severity < critical
    title: Look at it
    steps: [open the dashboard]
    actions:
      - {webhook: TARGET}
      - {note: looked at}
consensus: {per_key: 10000, in_all: 10000}
`

// world is one run's folder, servers and processes.
type world struct {
	t       *testing.T
	dir     string
	server  *natsServer // alone, or
	cluster *cluster
	fleet   *fleet
	target  *target
}

// newWorld starts NATS and provisions it. The folder stays where the test fails, or where the settings
// say so.
func newWorld(t *testing.T, s settings, config string) *world {
	t.Helper()
	w := &world{t: t, dir: newFolder(t, s)}
	w.server = newServer(t, w.dir)
	if err := w.server.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.provision(w.server.url(), s.partitions, config)
	return w
}

// provision makes what the layers need, and a fleet without any.
func (w *world) provision(url string, partitions int, config string, more ...string) {
	w.t.Helper()
	path, err := binary.Path()
	if err != nil {
		w.t.Fatal(err)
	}
	w.target = newTarget(w.t)
	file := createFile(w.t, filepath.Join(w.dir, "hal9.yaml"), w.target.configured(config)).Name()
	args := append([]string{
		"provision", "--nats", url, "--config", file,
		"--partitions", strconv.Itoa(partitions), "--store-bytes", strconv.Itoa(storeBytes),
	}, more...)
	out, err := exec.CommandContext(w.t.Context(), path, args...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("hal9 provision: %v\n%s", err, out)
	}
	w.fleet = newFleet(w.t, path, url, w.dir)
	w.fleet.config = file
}

// newFolder makes the folder of a run.
func newFolder(t *testing.T, s settings) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hal9-chaos-") //nolint:usetesting // It must outlive a test that fails.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() || s.keep {
			t.Logf("logs and streams are in %s; again with: %s", dir, s)
			return
		}
		_ = os.RemoveAll(dir)
	})
	return dir
}

// createFile returns a file with this text, open for more until the test ends.
func createFile(t *testing.T, path, text string) *os.File {
	t.Helper()
	file, err := os.Create(path)
	if err == nil {
		_, err = file.WriteString(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// startLayers starts the replicas of every layer and waits until they are ready.
func (w *world) startLayers(replicas map[string]int) {
	w.t.Helper()
	for _, layer := range layerNames {
		for range max(1, replicas[layer]) {
			w.fleet.add(w.t.Context(), layer)
		}
	}
	for _, layer := range layerNames {
		for _, r := range w.fleet.of(layer) {
			if err := w.fleet.await(r); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// checker connects a client that only reads.
func checker(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	js, closeClient, err := dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeClient)
	return js
}

// errStill says that verdicts stopped coming although some are missing.
var errStill = errors.New("no further verdict came")

// awaitVerdicts waits until there are as many verdicts as acknowledged signals and for a while
// no more come, or until none comes any more for patience.
func awaitVerdicts(ctx context.Context, js jetstream.JetStream, want int64, patience time.Duration) error {
	last, since := uint64(0), time.Now()
	for ctx.Err() == nil {
		n, err := messagesIn(ctx, js, "HAL9_VERDICTS")
		if err == nil && n != last {
			last, since = n, time.Now()
		}
		switch quiet := time.Since(since); {
		case int64(last) >= want && quiet > 3*time.Second:
			return nil
		case quiet > patience:
			return errStill
		}
		pause(ctx, 100*time.Millisecond)
	}
	return context.Cause(ctx)
}

// TestChaos breaks a running HAL9 while signals come in, and counts.
func TestChaos(t *testing.T) {
	s := readSettings(t)
	t.Logf("%s", s)
	began := time.Now()
	w := newWorld(t, s, configText)
	w.endure(s, newStorm(w, s, s.faults, layerNames), began)
}

// endure starts the layers, publishes under a storm and checks what came of it.
func (w *world) endure(s settings, storm *storm, began time.Time) {
	w.t.Helper()
	w.startLayers(storm.base)
	ctx, cancel := context.WithTimeout(w.t.Context(), bound(s, storm))
	defer cancel()
	load := newLoad(newScript(s.seed, s.signals, 400), w.fleet.url, storm.expect)
	load.script.base, load.script.step = time.Now(), storm.expect/time.Duration(s.signals)
	published := make(chan error, 1)
	go func() { published <- load.run(ctx) }()
	stormed := storm.run(ctx)
	load.released.Store(true)
	if err := errors.Join(stormed, <-published); err != nil {
		w.t.Errorf("%v\n%s", err, strikeList(storm.strikes))
	}
	js := checker(w.t, w.fleet.url)
	if err := awaitVerdicts(ctx, js, load.acknowledged.Load(), patience); err != nil {
		w.t.Error(err)
	}
	if err := awaitCourses(ctx, js); err != nil {
		w.t.Error(err)
	}
	e := newEvidence(load, s.partitions, storm.strikes)
	e.target = w.target
	if err := e.collect(ctx, js); err != nil {
		w.t.Error(err)
	}
	w.fleet.stop()
	for _, text := range w.fleet.oddities() {
		e.found.add("processes end only when told to, and in order", "%s", text)
	}
	w.t.Logf("\n%s", e.table(s, w.fleet, time.Since(began)))
	if !e.found.none() {
		w.t.Errorf("broken promises:\n%sfaults:\n%ssignals:\n%s", e.found, strikeList(storm.strikes), e.trails(w.t.Context(), js))
	}
}

// patience is how long the checker waits for the next verdict: longer than any redelivery, lease and
// restart that HAL9 may need.
const patience = 45 * time.Second

// bound is when a run has failed, whatever it does: the faults, and some time for each signal.
func bound(s settings, storm *storm) time.Duration {
	return 3*storm.expect + 2*time.Minute + time.Duration(s.signals)*2*time.Millisecond
}
