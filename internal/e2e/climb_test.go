package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestCriticalClimbsThroughAllFiveLayers follows one critical signal: a situation, a plan from the
// configured playbook, a review, one verdict with five hops.
func TestCriticalClimbsThroughAllFiveLayers(t *testing.T) {
	hooked := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		hooked <- string(body)
	}))
	defer hook.Close()
	file := filepath.Join(t.TempDir(), "hal9.yaml")
	err := os.WriteFile(file, []byte(`
rules:
  - {name: noise, when: 'source == "lb" && text.contains("healthz")', then: resolve, reason: health checks need nobody}
playbooks:
  - {name: disk-full, when: 'title.contains("disk")', title: Make room, steps: [delete old logs, grow the volume]}
objectives:
  - {name: shop, target: 0.999, window: 30d, total: 'source == "shop"', good: 'disposition != "dead"'}
sinks:
  - {name: hook, on: plans, webhook: "`+hook.URL+`"}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	p := up(t, t.TempDir(), "--config", file)
	_, js := dial(t, p.NATS)
	publish(t, js, &nats.Msg{Subject: "hal9.signals.lb", Data: []byte(`{"id":"n1","message":"GET /healthz 200"}`)})
	publish(t, js, &nats.Msg{
		Subject: "hal9.signals.shop", Header: nats.Header{"traceparent": {traceParent}},
		Data: []byte(`{"id":"c1","subject":"db-1","severity":"critical","message":"disk is full"}`),
	})
	got := eachOnce(t, js, map[string]bool{"lb|n1": true, "shop|c1": true})
	if v := got["lb|n1"][0]; v.Layer != "L1" || v.Disposition != "resolved" || !strings.Contains(v.Reason, "health checks need nobody") {
		t.Errorf("the health check ended as %+v", v)
	}
	v := got["shop|c1"][0]
	var hops []string
	for _, hop := range v.Hops {
		hops = append(hops, hop.Layer)
	}
	if v.Layer != "L5" || !slices.Equal(hops, []string{"L1", "L2", "L3", "L4", "L5"}) || v.SituationID == "" || v.TraceID != traceParent[3:35] {
		t.Errorf("the critical signal ended as %+v", v)
	}
	situations, plans := map[string]int{}, 0
	read(t, js, "HAL9_SITUATIONS", func(msg jetstream.Msg) {
		var s struct{ ID, Event string }
		_ = json.Unmarshal(msg.Data(), &s)
		situations[s.ID+" "+s.Event]++
		if msg.Headers().Get("traceparent") != traceParent {
			t.Errorf("the situation carries traceparent %q", msg.Headers().Get("traceparent"))
		}
	})
	if situations[v.SituationID+" opened"] != 1 {
		t.Errorf("situations %v, want %s opened once", situations, v.SituationID)
	}
	read(t, js, "HAL9_PLANS", func(msg jetstream.Msg) {
		plans++
		if msg.Subject() != "hal9.plans.proposed" || !strings.Contains(string(msg.Data()), "grow the volume") {
			t.Errorf("plan on %s: %s", msg.Subject(), msg.Data())
		}
	})
	if plans != 1 {
		t.Errorf("%d plans, want 1", plans)
	}
	select {
	case body := <-hooked:
		if !strings.Contains(body, "grow the volume") {
			t.Errorf("the webhook got %s, want the plan", body)
		}
	case <-time.After(10 * time.Second):
		t.Error("the webhook did not get the plan")
	}
	p.stop(t)
}

// TestPayloadsEndInOneVerdictEach publishes what real senders send, raw, over NATS.
func TestPayloadsEndInOneVerdictEach(t *testing.T) {
	dir := filepath.Join(dataDir(t), "payloads")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	p := up(t, t.TempDir())
	_, js := dial(t, p.NATS)
	want := map[string]bool{}
	for i, file := range files {
		data, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint("payload-", i)
		publish(t, js, &nats.Msg{Subject: "hal9.signals.payloads", Data: data, Header: nats.Header{"Nats-Msg-Id": {id}}})
		want["payloads|"+id] = true
	}
	for id, v := range eachOnce(t, js, want) {
		t.Logf("%s: %s %s: %s", id, v[0].Layer, v[0].Disposition, v[0].Reason)
	}
}
