package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/natstest"
)

// says runs hal9 and returns what it prints.
func says(t *testing.T, args ...string) string {
	t.Helper()
	path, err := binary.Path()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		said := out
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			said = exit.Stderr
		}
		t.Fatalf("hal9 %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return string(out)
}

// alertRig publishes alerts and looks at what became of them.
type alertRig struct {
	t  *testing.T
	js jetstream.JetStream
	n  int
}

// sends publishes a signal that is made from a template with an id, and returns its verdict.
func (r *alertRig) sends(format string, args ...any) verdict {
	r.t.Helper()
	r.n++
	id := fmt.Sprintf("alert-%d", r.n)
	body := fmt.Sprintf(`{"id":%q,"source":"mon",%s}`, id, fmt.Sprintf(format, args...))
	publish(r.t, r.js, &nats.Msg{Subject: "hal9.signals.mon", Data: []byte(body)})
	return r.verdict(id)
}

func (r *alertRig) verdict(id string) (v verdict) {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		found := false
		read(r.t, r.js, "HAL9_VERDICTS", func(m jetstream.Msg) {
			var x verdict
			if json.Unmarshal(m.Data(), &x) == nil && x.SignalID == id {
				v, found = x, true
			}
		})
		if found {
			return v
		}
	}
	r.t.Fatalf("%s has no verdict", id)
	return v
}

// suppressed requires that L1 suppressed it by a rule.
func suppressed(t *testing.T, v verdict, rule string) {
	t.Helper()
	if v.Layer != "L1" || v.Disposition != "suppressed" || !strings.HasPrefix(v.Rule, rule) {
		t.Errorf("%s was %s at %s by %q (%s), want suppressed at L1 by %q", v.SignalID, v.Disposition, v.Layer, v.Rule, v.Reason, rule)
	}
}

func climbed(t *testing.T, v verdict) {
	t.Helper()
	if v.Layer == "L1" {
		t.Errorf("%s ended at L1: %s (%s)", v.SignalID, v.Disposition, v.Reason)
	}
}

const inhibitYAML = `
inhibit:
  - name: node-down
    source: labels.alertname == "NodeDown"
    target: labels.alertname == "ServiceDown"
    equal: [node]
`

// Alerts of the tests: their text changes in its numbers from one to the next.
const (
	diskFull = `"status":%q,"key":"db-1","severity":%q,"message":"disk is %d %% full","labels":{"alertname":"DiskFull"}`
	nodeDown = `"status":%q,"key":"n1","severity":"error","message":"n1 is down","labels":{"alertname":"NodeDown","node":"n1"}`
	service  = `"status":"firing","key":"svc-%d","severity":"warning","message":"svc is down","labels":{"alertname":"ServiceDown","node":%q}`
)

func TestSilencesAcksAndInhibitionsSurviveKill9(t *testing.T) {
	data, config := t.TempDir(), filepath.Join(t.TempDir(), "hal9.yaml")
	if err := os.WriteFile(config, []byte(inhibitYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	p := up(t, data, "--config", config)
	_, js := dial(t, p.NATS)
	r := &alertRig{t: t, js: js}
	climbed(t, r.sends(diskFull, "firing", "warning", 91))
	suppressed(t, r.sends(diskFull, "firing", "warning", 92), "")
	climbed(t, r.sends(nodeDown, "firing"))
	suppressed(t, r.sends(service, 1, "n1"), "inhibit:node-down")
	climbed(t, r.sends(service, 2, "n2"))
	id := strings.TrimSpace(says(t, "silence", "add", `key == "svc-3"`, "--for", "1h", "--reason", "moved", "--json", "--nats", p.NATS))
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(id), &made); err != nil {
		t.Fatal(err)
	}
	says(t, "ack", "alert-1", "--reason", "on it", "--nats", p.NATS)
	time.Sleep(time.Second) // Within a second it holds everywhere.
	for life := range 2 {
		suppressed(t, r.sends(service, 3, "n2"), "silence:"+made.ID)
		suppressed(t, r.sends(diskFull, "firing", "warning", 93), "ack:")
		suppressed(t, r.sends(service, 4+life, "n1"), "inhibit:node-down")
		if life == 0 {
			p.kill()
			p = up(t, data, "--config", config)
			_, r.js = dial(t, p.NATS)
		}
	}
	if text := says(t, "explain", fmt.Sprintf("alert-%d", r.n-2), "--nats", p.NATS); !strings.Contains(text, "silence:"+made.ID) {
		t.Errorf("explain does not name the silence:\n%s", text)
	}
	climbed(t, r.sends(diskFull, "firing", "critical", 99))
	r.sends(diskFull, "resolved", "warning", 40)
	climbed(t, r.sends(diskFull, "firing", "warning", 95))
	r.sends(nodeDown, "resolved")
	climbed(t, r.sends(service, 9, "n1"))
	says(t, "silence", "rm", made.ID, "--nats", p.NATS)
	time.Sleep(time.Second) // Within a second it holds everywhere.
	climbed(t, r.sends(service, 3, "n2"))
	if text := says(t, "ack", "ls", "--nats", p.NATS); !strings.Contains(text, "no acknowledgements") {
		t.Errorf("the acknowledgement outlives its alert: %s", text)
	}
	p.stop(t)
}

// TestFlappingIsToldOnce has an alert come and go: once it is known to flap it is quiet, also after kill -9, and what is worse breaks through.
func TestFlappingIsToldOnce(t *testing.T) {
	data := t.TempDir()
	p := up(t, data)
	_, js := dial(t, p.NATS)
	r := &alertRig{t: t, js: js}
	for i := range 3 { // Six changes in half an hour.
		climbed(t, r.sends(diskFull, "firing", "warning", 90+i))
		if v := r.sends(diskFull, "resolved", "warning", 40); v.Disposition != "resolved" {
			t.Errorf("%s, which is over, was %s (%s)", v.SignalID, v.Disposition, v.Reason)
		}
	}
	v := r.sends(diskFull, "firing", "warning", 96)
	climbed(t, v)
	if text := says(t, "explain", v.SignalID, "--nats", p.NATS); !strings.Contains(text, "it looks like flapping") {
		t.Errorf("explain does not say that the alert flaps:\n%s", text)
	}
	suppressed(t, r.sends(diskFull, "resolved", "warning", 40), "flapping")
	suppressed(t, r.sends(diskFull, "firing", "warning", 97), "flapping")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if text := says(t, "ack", "ls", "--alerts", "--nats", p.NATS); strings.Contains(text, "flapping") {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the list of alerts does not say that it flaps:\n%s", text)
		}
	}
	time.Sleep(time.Second) // What L1 knows of it is stored.
	p.kill()
	p = up(t, data)
	_, r.js = dial(t, p.NATS)
	suppressed(t, r.sends(diskFull, "resolved", "warning", 40), "flapping")
	suppressed(t, r.sends(diskFull, "firing", "warning", 97), "flapping")
	climbed(t, r.sends(diskFull, "firing", "critical", 99))
	p.stop(t)
}

// TestTwoProcessesOfL1KnowTheSame lets two processes share L1's signals; which of them decides is chance.
func TestTwoProcessesOfL1KnowTheSame(t *testing.T) {
	server := natstest.Start(t)
	url := server.ClientURL()
	says(t, "provision", "--nats", url)
	config := filepath.Join(t.TempDir(), "hal9.yaml")
	if err := os.WriteFile(config, []byte(inhibitYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	var all []*process
	for range 2 {
		all = append(all, start(t, "run", "--layer", "L1", "--nats", url, "--config", config))
	}
	for _, layer := range []string{"L2", "L3", "L4", "L5"} {
		all = append(all, start(t, "run", "--layer", layer, "--nats", url))
	}
	_, js := dial(t, url)
	r := &alertRig{t: t, js: js}
	climbed(t, r.sends(nodeDown, "firing"))
	climbed(t, r.sends(diskFull, "firing", "warning", 91))
	time.Sleep(time.Second) // Both processes know the alerts.
	bucket, err := js.KeyValue(t.Context(), "hal9_reflexes")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"silence.sil-1", "alert.x", "ack.y", "nonsense"} { // It is reported, and stops nobody.
		if _, err := bucket.Put(t.Context(), key, []byte("\x00rubbish{")); err != nil {
			t.Fatal(err)
		}
	}
	says(t, "silence", "add", `key == "svc-0"`, "--for", "1h", "--reason", "moved", "--nats", url)
	says(t, "ack", "--key", "db-1", "--reason", "on it", "--nats", url)
	time.Sleep(time.Second) // Within a second it holds everywhere.
	for i := range 12 {
		suppressed(t, r.sends(service, 0, "n2"), "silence:sil-")
		suppressed(t, r.sends(service, 10+i, "n1"), "inhibit:node-down")
		suppressed(t, r.sends(diskFull, "firing", "warning", 80+i), "ack:")
	}
	r.sends(diskFull, "resolved", "warning", 10)
	time.Sleep(time.Second) // The other process hears of it.
	climbed(t, r.sends(diskFull, "firing", "warning", 90))
	for _, p := range all {
		p.stop(t)
	}
}
