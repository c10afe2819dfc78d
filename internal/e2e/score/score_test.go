// Package score_test publishes the labelled data over NATS to a HAL9 with its default configuration and scores what its verdicts
// say. It runs where SCORE is set: `make score`.
package score_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
	"github.com/2lab-ai/hal9/internal/score"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
	"github.com/2lab-ai/hal9/layers/operational"
)

var binary proctest.Builder

func TestMain(m *testing.M) {
	code := m.Run()
	binary.Remove()
	os.Exit(code)
}

// patience bounds every wait for HAL9.
const patience = 5 * time.Minute

func TestScore(t *testing.T) {
	if os.Getenv("SCORE") == "" {
		t.Skip("SCORE is not set: it takes a minute; make score runs it")
	}
	nab, err := score.Folder("../../..", "nab")
	if err != nil {
		t.Skip(err)
	}
	loghub, err := score.Folder("../../..", "loghub")
	if err != nil {
		t.Skip(err)
	}
	series, err := score.LoadNAB(nab)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := score.LoadLoghub(loghub)
	if err != nil {
		t.Fatal(err)
	}
	published, err := score.Published(nab)
	if err != nil {
		t.Fatal(err)
	}
	js := start(t)
	sent := publish(t, js, series, logs)
	anomalies, ids := answers(t, js, sent, series, logs)
	var r score.Report
	r.AddNAB(series, anomalies, operational.DefaultConfig().Threshold)
	r.AddLoghub(logs, ids)
	r.LinesPerSecond = linesPerSecond(t, logs)
	t.Log(r.Tables(published))
	if r.NABStandard < 60 || r.NABOperational < r.NABStandard-10 || r.GAMean < .88 {
		t.Errorf("NAB %.1f, at the shipped threshold %.1f, mean grouping accuracy %.3f: want 60, within 10 of it, .88",
			r.NABStandard, r.NABOperational, r.GAMean)
	}
	if path := os.Getenv("SCORE_JSON"); path != "" {
		data, err := json.Marshal(r)
		if err == nil {
			err = os.WriteFile(path, append(data, '\n'), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// start runs `hal9 up` as it comes and connects to its NATS.
func start(t *testing.T) jetstream.JetStream {
	t.Helper()
	path, err := binary.Path()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready.json")
	p, err := proctest.Start(t.Context(), proctest.Program{
		Path: path, Args: []string{"up", "--nats-port", "0", "--http", "127.0.0.1:0", "--data", filepath.Join(dir, "data"), "--ready-file", ready},
		Dir: dir, Log: os.Stderr,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	var where struct {
		NATS string `json:"nats"`
	}
	if err := p.AwaitFile(ready, 30*time.Second, &where); err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(where.NATS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// The sources of what is published; the keys of the series and the names of the log sources are numbers.
const (
	sourceNAB = "metrics"
	sourceLog = "log"
)

// publish sends each series and each log in its order, and returns how many signals that were.
func publish(t *testing.T, js jetstream.JetStream, series []score.Series, logs map[string][]score.Line) int {
	t.Helper()
	n := 0
	send := func(subject string, signal map[string]any) {
		data, err := json.Marshal(signal)
		if err == nil {
			_, err = js.PublishAsync(subject, data, jetstream.WithStallWait(patience))
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	for i := range series {
		for j, value := range series[i].Values {
			send("hal9.signals."+sourceNAB, map[string]any{
				"id": fmt.Sprintf("%d-%d", i, j), "source": sourceNAB, "subject": fmt.Sprintf("series-%d", i), "type": "sample",
				"time": series[i].Times[j].Format(time.RFC3339), "value": value,
			})
		}
	}
	for k, source := range slices.Sorted(maps.Keys(logs)) {
		for j, line := range logs[source] {
			send("hal9.signals."+sourceLog, map[string]any{"id": strconv.Itoa(j), "source": fmt.Sprintf("%s-%d", sourceLog, k), "message": line.Content})
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(patience):
		t.Fatal("not all signals were acknowledged")
	}
	return n
}

// answers waits for a verdict on each signal and returns the anomalies of the series and the templates of the logs.
func answers(t *testing.T, js jetstream.JetStream, sent int, series []score.Series, logs map[string][]score.Line) (anomalies [][]float64, ids map[string][]string) {
	t.Helper()
	anomalies, ids = make([][]float64, len(series)), map[string][]string{}
	for i := range series {
		anomalies[i] = make([]float64, len(series[i].Values))
	}
	sources := slices.Sorted(maps.Keys(logs))
	for _, source := range sources {
		ids[source] = make([]string, len(logs[source]))
	}
	consumer, err := js.OrderedConsumer(t.Context(), "HAL9_VERDICTS", jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for got := 0; got < sent; {
		batch, err := consumer.Fetch(min(4096, sent-got), jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for msg := range batch.Messages() {
			got++
			read(t, msg.Data(), anomalies, ids, sources)
		}
		if ctx.Err() != nil {
			t.Fatalf("%d of %d signals were answered within %s", got, sent, patience)
		}
	}
	return anomalies, ids
}

// read takes what a verdict says.
func read(t *testing.T, data []byte, anomalies [][]float64, ids map[string][]string, sources []string) {
	t.Helper()
	var v layers.Verdict
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("verdict %s: %v", data, err)
	}
	var i, j int
	if v.Source == sourceNAB {
		if _, err := fmt.Sscanf(v.SignalID, "%d-%d", &i, &j); err != nil {
			t.Fatalf("verdict %s: %v", data, err)
		}
		anomalies[i][j] = v.Anomaly
		return
	}
	if _, err := fmt.Sscanf(v.SignalID, "%d", &j); err != nil {
		t.Fatalf("verdict %s: %v", data, err)
	}
	if _, err := fmt.Sscanf(v.Source, sourceLog+"-%d", &i); err != nil {
		t.Fatalf("verdict %s: %v", data, err)
	}
	ids[sources[i]][j] = v.TemplateID
}

// linesPerSecond lets a layer of its own look at all lines again and again for a while, on one goroutine.
func linesPerSecond(t *testing.T, logs map[string][]score.Line) float64 {
	t.Helper()
	l, err := implementation.New(implementation.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	var envelopes []layers.Envelope
	for source, lines := range logs {
		for _, line := range lines {
			envelopes = append(envelopes, layers.Envelope{Signal: layers.Signal{Source: source, Text: line.Content}})
		}
	}
	n := 0
	began := time.Now()
	for time.Since(began) < 3*time.Second {
		for i := range envelopes {
			e := envelopes[i]
			if _, err := l.Decide(t.Context(), &e); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	return float64(n) / time.Since(began).Seconds()
}
