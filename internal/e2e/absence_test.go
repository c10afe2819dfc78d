package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestWhatStopsClimbsToAPlan replays four hours in which one of three hosts stops writing its routine lines: L3 hears of them by
// L2's pulse, and HAL9 says so with a signal of its own, which ends in one verdict like any other.
func TestWhatStopsClimbsToAPlan(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hal9.yaml")
	err := os.WriteFile(file, []byte("playbooks:\n  - {name: silent, when: 'title.contains(\"stopped\")', steps: [look whether it lives]}\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	p := up(t, t.TempDir(), "--config", file)
	_, js := dial(t, p.NATS)
	start := time.Date(2025, 3, 3, 8, 0, 0, 0, time.UTC)
	want := map[string]bool{}
	for minute := range 240 {
		for host := range 3 {
			if host == 1 && minute >= 200 {
				continue
			}
			id := fmt.Sprintf("line-%d-%d", host, minute)
			at := start.Add(time.Duration(minute)*time.Minute + time.Duration(host)*time.Second).Format(time.RFC3339)
			data := fmt.Sprintf(`{"id":%q,"subject":"web-%d","time":%q,"severity":"info","message":"job %d done"}`, id, host, at, minute)
			publish(t, js, &nats.Msg{Subject: "hal9.signals.cron", Data: []byte(data)})
			want["cron|"+id] = true
		}
	}
	var situation struct {
		ID       string
		Title    string
		Entities []struct{ Name string }
		Members  []string `json:"member_ids"`
	}
	deadline := time.Now().Add(30 * time.Second)
	for situation.ID == "" && time.Now().Before(deadline) {
		read(t, js, "HAL9_SITUATIONS", func(msg jetstream.Msg) {
			if err := json.Unmarshal(msg.Data(), &situation); err != nil {
				t.Error(err)
			}
		})
	}
	if !strings.HasPrefix(situation.Title, "web-1") || len(situation.Entities) != 1 || situation.Entities[0].Name != "web-1" || len(situation.Members) != 1 {
		t.Fatalf("situation %+v: want one about web-1", situation)
	}
	want["hal9|"+situation.Members[0]] = true
	v := eachOnce(t, js, want)["hal9|"+situation.Members[0]][0]
	if v.Layer != "L5" || v.SituationID != situation.ID {
		t.Errorf("the notice ended as %+v: want it at L5, with its situation", v)
	}
	plans := 0
	read(t, js, "HAL9_PLANS", func(msg jetstream.Msg) {
		if strings.Contains(string(msg.Data()), "look whether it lives") {
			plans++
		}
	})
	if plans == 0 {
		t.Error("no plan for what stopped")
	}
	p.stop(t)
}
