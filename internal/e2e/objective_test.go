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
