package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/natstest"
)

// TestFiveProcessesGiveTheVerdictsOfOne runs the same signals, in the same order, through `hal9 up`
// and through five `hal9 run` processes on a NATS server, and compares every verdict.
func TestFiveProcessesGiveTheVerdictsOfOne(t *testing.T) {
	list := realSignals(t)
	one := up(t, t.TempDir())
	_, js := dial(t, one.NATS)
	for _, l := range list {
		publish(t, js, l.message())
	}
	want := eachOnce(t, js, idsOf(list))
	one.stop(t)

	server := natstest.Start(t)
	if text := fails(t, "run", "--layer", "L3", "--nats", server.ClientURL()); !strings.Contains(text, "hal9 provision --nats") {
		t.Errorf("a layer without provisioning says %q, want the command in it", text)
	}
	runs(t, "provision", "--nats", server.ClientURL())
	var five []*process
	for _, layer := range []string{"L1", "L2", "L3", "L4", "L5"} {
		five = append(five, start(t, "run", "--layer", layer, "--nats", server.ClientURL()))
	}
	_, js = dial(t, server.ClientURL())
	for _, l := range list {
		publish(t, js, l.message())
	}
	got := eachOnce(t, js, idsOf(list))
	differ := 0
	for id, v := range want {
		w := got[id][0]
		if v[0].Layer != w.Layer || v[0].Disposition != w.Disposition || v[0].SituationID != w.SituationID {
			if differ++; differ < 5 {
				t.Errorf("%s ended at %s %s in one process and at %s %s in five:\n%s\n%s",
					id, v[0].Layer, v[0].Disposition, w.Layer, w.Disposition, v[0].Reason, w.Reason)
			}
		}
	}
	if differ > 0 {
		t.Errorf("%d of %d verdicts differ", differ, len(want))
	}
	for _, p := range five {
		p.stop(t)
	}
}

// TestFiveProcessesSurviveKillsAndARestartOfNATS kills a layer process with SIGKILL again and again while
// signals come in, restarts NATS once, and counts.
func TestFiveProcessesSurviveKillsAndARestartOfNATS(t *testing.T) {
	list := realSignals(t)[:8000]
	server := natstest.Start(t)
	runs(t, "provision", "--nats", server.ClientURL())
	names := []string{"L1", "L2", "L3", "L4", "L5"}
	five := map[string]*process{}
	for _, layer := range names {
		five[layer] = start(t, "run", "--layer", layer, "--nats", server.ClientURL())
	}
	_, js := dial(t, server.ClientURL())
	for i, l := range list {
		send(t, js, l.message())
		if i%1000 == 500 {
			layer := names[(i/1000)%3]
			five[layer].kill()
			five[layer] = start(t, "run", "--layer", layer, "--nats", server.ClientURL())
		}
		if i == 4000 {
			server.Stop()
			server.Restart(t)
		}
	}
	eachOnce(t, js, idsOf(list))
	for _, p := range five {
		p.stop(t)
	}
}

// send publishes until the server acknowledges, as a careful client does: the id makes copies
// one signal.
func send(t *testing.T, js jetstream.JetStream, msg *nats.Msg) {
	t.Helper()
	var err error
	for range 200 {
		if _, err = js.PublishMsg(t.Context(), msg); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond) // The server is away for a moment.
	}
	t.Fatal(err)
}
