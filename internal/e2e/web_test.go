package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/natstest"
)

// whole is what /v1/status of `hal9 web` says.
type whole struct {
	Ready  bool `json:"ready"`
	Whole  struct{ Known bool }
	Layers []struct {
		Layer      string  `json:"layer"`
		Processes  *int    `json:"processes"`
		Owned      int     `json:"partitions_owned"`
		QueueDepth *uint64 `json:"queue_depth"`
		In         uint64  `json:"signals_in"`
	} `json:"layers"`
	Objectives []struct{ Total uint64 } `json:"objectives"`
}

// TestWebShowsTheWholeAndRunsNothing runs the five layers as processes and two of `hal9 web` beside them: what comes in at
// one is shown by the other, and a layer whose process is killed is shown as nobody's.
func TestWebShowsTheWholeAndRunsNothing(t *testing.T) {
	server := natstest.Start(t)
	url := server.ClientURL()
	if text := fails(t, "web", "--nats", url, "--http", "127.0.0.1:0"); !strings.Contains(text, "hal9 provision --nats") {
		t.Errorf("web without provisioning says %q, want the command in it", text)
	}
	runs(t, "provision", "--nats", url, "--partitions", "4")
	webs := []*process{start(t, "web", "--nats", url, "--http", "127.0.0.1:0"), start(t, "web", "--nats", url, "--http", "127.0.0.1:0")}
	five := map[string]*process{}
	for _, layer := range []string{"L1", "L2", "L3", "L4", "L5"} {
		five[layer] = start(t, "run", "--layer", layer, "--nats", url)
	}
	const n = 40
	for i := range n {
		body := fmt.Sprintf(`{"id":"w-%d","source":"shop","key":"k%d","severity":"critical","message":"disk is full"}`, i, i)
		post(t, webs[0].HTTP+"/v1/signals", "application/json", []byte(body))
	}
	_, js := dial(t, url)
	want := map[string]bool{}
	for i := range n {
		want[fmt.Sprintf("shop|w-%d", i)] = true
	}
	eachOnce(t, js, want)
	for _, web := range webs {
		awaitWhole(t, web, func(w *whole) bool { return w.complete(1, 4) && w.Layers[0].In >= n && len(w.Objectives) > 0 })
		awaitSeries(t, web, nil, "hal9_http_connections ", `hal9_queue_depth_signals{layer="L5"}`, `hal9_layer_processes{layer="L3"} 1`, `hal9_kept_verdicts{`, "hal9_situations_open")
	}
	five["L3"].kill()
	awaitWhole(t, webs[1], func(w *whole) bool { return *w.Layers[2].Processes == 0 && w.Layers[2].Owned == 0 && w.Ready })
	// Results that can't be counted any more are not shown, and hide nobody who works.
	if err := js.DeleteStream(t.Context(), "HAL9_PLANS"); err != nil {
		t.Fatal(err)
	}
	five["L4"].kill()
	awaitSeries(t, webs[1], []string{"hal9_kept_", "hal9_situations_open"}, `hal9_layer_processes{layer="L3"} 0`, `hal9_layer_processes{layer="L4"} 0`,
		`hal9_layer_partitions_unowned{layer="L4"} 4`)
	for _, p := range webs {
		p.stop(t)
	}
}

// complete reports whether every layer has so many processes, which own so many partitions, and a queue that is known.
func (w *whole) complete(processes, owned int) bool {
	for _, l := range w.Layers {
		if l.Processes == nil || *l.Processes != processes || l.QueueDepth == nil || l.Layer != "L1" && l.Owned != owned {
			return false
		}
	}
	return w.Ready && w.Whole.Known && len(w.Layers) == 5
}

func awaitWhole(t *testing.T, p *process, ok func(*whole) bool) {
	t.Helper()
	var text string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		text = fetch(t, p.HTTP+"/v1/status")
		var w whole
		if err := json.Unmarshal([]byte(text), &w); err != nil {
			t.Fatal(err)
		}
		if len(w.Layers) == 5 && w.Layers[2].Processes != nil && ok(&w) {
			return
		}
	}
	t.Fatalf("the status never is as it should be: %s", text)
}

func awaitSeries(t *testing.T, p *process, nevers []string, wants ...string) {
	t.Helper()
	var problems []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		text := fetch(t, p.HTTP+"/metrics")
		problems = nil
		for _, want := range wants {
			if !strings.Contains(text, "\n"+want) {
				problems = append(problems, "no "+want)
			}
		}
		for _, never := range nevers {
			if strings.Contains(text, "\n"+never) {
				problems = append(problems, never)
			}
		}
		if problems == nil {
			return
		}
	}
	t.Fatalf("the metrics have %s", strings.Join(problems, ", "))
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestOneProcessOfALayerMeasuresIt: of two one shows the queue, and when that one is killed the other does.
func TestOneProcessOfALayerMeasuresIt(t *testing.T) {
	server := natstest.Start(t)
	url := server.ClientURL()
	runs(t, "provision", "--nats", url, "--partitions", "4")
	two := []*process{start(t, "run", "--layer", "L2", "--nats", url), start(t, "run", "--layer", "L2", "--nats", url)}
	shows := func(p *process) bool {
		return strings.Contains(fetch(t, p.HTTP+"/metrics"), "\nhal9_queue_depth_signals{")
	}
	one := func(of []*process) (shown int) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
			at := -1
			for i, p := range of {
				switch {
				case !shows(p):
				case at >= 0:
					t.Fatal("two processes measure one layer")
				default:
					at = i
				}
			}
			if at >= 0 {
				return at
			}
		}
		t.Fatal("no process measures the layer")
		return 0
	}
	eldest := one(two)
	two[eldest].kill()
	two = slices.Delete(two, eldest, eldest+1)
	one(two)
	l1 := start(t, "run", "--layer", "L1", "--nats", url)
	one([]*process{l1})
	l1.stop(t)
	two[0].stop(t)
}
