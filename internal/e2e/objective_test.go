package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/natstest"
)

const goals = `
objectives:
  - {name: fast, from: signals, target: 0.99, window: 30d, total: 'source == "shop"', good: value < 300.0}
  - {name: calm, from: situations, target: 0.5, window: 30d, total: event == "opened", good: severity < critical}
metrics:
  - {name: orders_total, kind: counter, when: 'source == "shop"', labels: {region: labels.region}}
  - {name: order_milliseconds, kind: histogram, when: 'source == "shop"', buckets: [100, 300]}
`

// TestGoalsCountOnceThroughKills kills HAL9 again and again while orders come, some of them twice: metrics and objectives count each
// order once, and each burn-rate alert is told once.
func TestGoalsCountOnceThroughKills(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "hal9.yaml")
	if err := os.WriteFile(file, []byte(goals), 0o600); err != nil {
		t.Fatal(err)
	}
	const orders, bad = 3000, 300
	p := up(t, data, "--config", file)
	begin := time.Now().Add(-2 * time.Hour).UTC()
	for life := range 3 {
		if life > 0 {
			p.kill()
			p = up(t, data, "--config", file)
		}
		_, js := dial(t, p.NATS)
		for i := life * orders / 3; i < (life+1)*orders/3; i++ {
			publish(t, js, orderMessage(i, begin))
			if i%10 == 0 {
				publish(t, js, orderMessage(i, begin)) // A sender that tries again.
			}
		}
	}
	p.kill()
	p = up(t, data, "--config", file)
	_, js := dial(t, p.NATS)
	want := map[string]float64{
		`orders_total{region="eu"}`: orders / 2, `orders_total{region="us"}`: orders / 2,
		`order_milliseconds_count`: orders, `order_milliseconds_bucket{le="300"}`: orders - bad,
	}
	got := awaitMetrics(t, p, want)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
	alerts := map[string]int{}
	for id, list := range ownAlerts(t, js) {
		if len(list) != 1 {
			t.Errorf("alert %s was told %d times", id, len(list))
		}
		parts := strings.Split(id, ".")
		alerts[parts[1]+" "+parts[2]+" "+parts[len(parts)-1]]++
	}
	if alerts["fast medium firing"] != 1 || alerts["fast slow firing"] != 1 {
		t.Errorf("alerts %v: want one medium and one slow of fast", alerts)
	}
	time.Sleep(3 * time.Second) // L5 reports every two.
	if text := runs(t, "slo", "ls", "--nats", p.NATS, "--json"); !strings.Contains(text, `"good": 2700`) || !strings.Contains(text, `"objective": "hal9-latency"`) {
		t.Errorf("hal9 slo ls says %s", text)
	}
}

// TestAlertIsToldOnceAfterACrash kills HAL9 right after an alert, before its checkpoint, and starts it again when JetStream does not
// know the alert's id any more: what it told stands in its ledger.
func TestAlertIsToldOnceAfterACrash(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "hal9.yaml")
	if err := os.WriteFile(file, []byte(goals), 0o600); err != nil {
		t.Fatal(err)
	}
	p := up(t, data, "--config", file)
	_, js := dial(t, p.NATS)
	for i := range 200 {
		publish(t, js, &nats.Msg{Subject: "hal9.signals.shop", Data: fmt.Appendf(nil, `{"id":"bad-%d","subject":"checkout","value":900}`, i)})
		if i%20 == 19 && len(ownAlerts(t, js)) >= 3 {
			break
		}
	}
	for deadline := time.Now().Add(10 * time.Second); len(ownAlerts(t, js)) < 3; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("alerts %v: want three", ownAlerts(t, js))
		}
	}
	p.kill()
	time.Sleep(11 * time.Second) // JetStream knows ids for ten.
	p = up(t, data, "--config", file)
	_, js = dial(t, p.NATS)
	time.Sleep(3 * time.Second) // What is told twice would come now.
	for id, list := range ownAlerts(t, js) {
		if len(list) != 1 {
			t.Errorf("alert %s was told %d times", id, len(list))
		}
	}
}

// TestGoalsMoveWithTheirStage kills the process that counts while another of the layer stands by: the count goes on there.
func TestGoalsMoveWithTheirStage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hal9.yaml")
	if err := os.WriteFile(file, []byte(goals), 0o600); err != nil {
		t.Fatal(err)
	}
	server := natstest.Start(t)
	runs(t, "provision", "--nats", server.ClientURL())
	run := func(layer string) *process {
		return start(t, "run", "--layer", layer, "--nats", server.ClientURL(), "--config", file)
	}
	for _, layer := range []string{"L1", "L2", "L3", "L4"} {
		run(layer)
	}
	counting := run("L5")
	_, js := dial(t, server.ClientURL())
	begin := time.Now().Add(-2 * time.Hour).UTC()
	send := func(from, to int) {
		for i := from; i < to; i++ {
			publish(t, js, orderMessage(i, begin))
		}
	}
	send(0, 500)
	awaitMetrics(t, counting, map[string]float64{`order_milliseconds_count`: 500})
	standby := run("L5")
	if n, ok := metricsOf(t, standby)[`order_milliseconds_count`]; ok {
		t.Errorf("two processes show the count; the second %v", n)
	}
	send(500, 700)
	counting.kill()
	send(700, 1000)
	want := map[string]float64{`order_milliseconds_count`: 1000, `order_milliseconds_bucket{le="300"}`: 900, `orders_total{region="us"}`: 500}
	got := awaitMetrics(t, standby, want)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v after the move, want %v", name, got[name], value)
		}
	}
}

// orderMessage is an order of two hours ago and later, every tenth slow; the last third has none that is slow.
func orderMessage(i int, begin time.Time) *nats.Msg {
	value := 100 + i%100
	if i%10 == 3 {
		value = 500
	}
	return &nats.Msg{Subject: "hal9.signals.shop", Data: fmt.Appendf(nil,
		`{"id":"order-%d","subject":"checkout","time":%q,"value":%d,"labels":{"region":%q}}`,
		i, begin.Add(time.Duration(i)*2*time.Second).Format(time.RFC3339Nano), value, []string{"eu", "us"}[i%2])}
}

// awaitMetrics waits until a process shows the wanted values, or shows more than it should, and returns what it shows.
func awaitMetrics(t *testing.T, p *process, want map[string]float64) map[string]float64 {
	t.Helper()
	var got map[string]float64
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		got = metricsOf(t, p)
		reached := 0
		for name, value := range want {
			if got[name] >= value {
				reached++
			}
		}
		if reached == len(want) {
			break
		}
	}
	time.Sleep(time.Second) // What counted twice would come now.
	return metricsOf(t, p)
}

func metricsOf(t *testing.T, p *process) map[string]float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.HTTP+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %v: %s", res.Status, err, text)
	}
	got := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && line[0] != '#' {
			got[name], _ = strconv.ParseFloat(value, 64)
		}
	}
	return got
}

// ownAlerts returns HAL9's alerts as stored at L1, by id.
func ownAlerts(t *testing.T, js jetstream.JetStream) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	read(t, js, "HAL9_L1", func(msg jetstream.Msg) {
		var s struct{ ID string }
		if msg.Subject() == "hal9.signals.hal9" && json.Unmarshal(msg.Data(), &s) == nil && strings.HasPrefix(s.ID, "slo.") {
			got[s.ID] = append(got[s.ID], string(msg.Data()))
		}
	})
	return got
}
