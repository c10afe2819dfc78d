package outbound_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/outbound"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestWebhookGetsEachResultOnce(t *testing.T) {
	tg := newTarget(t, always(200))
	r := newRig(t, outbound.Sink{Name: "hook", On: outbound.OnPlans, Webhook: tg.URL})
	stop := r.start()
	want := r.plans(0, 40)
	eventually(t, "all plans taken", func() bool { _, taken := tg.got(); return len(taken) >= len(want) })
	stop()
	if _, taken := tg.got(); !slices.Equal(taken, want) {
		t.Errorf("taken %v, want each once", taken)
	}
	if tg.keys[0] == "" {
		t.Error("no Idempotency-Key came along")
	}
}

// A process that ends settles what it has and frees what it fetched ahead: its successor does
// not wait for the ack wait of 30 s.
func TestSuccessorContinuesAtOnce(t *testing.T) {
	release := make(chan struct{})
	tg := newTarget(t, func(int) (int, http.Header) { <-release; return 200, nil })
	r := newRig(t, outbound.Sink{Name: "hook", On: outbound.OnPlans, Webhook: tg.URL})
	want := r.plans(0, 100)
	stop := r.start()
	time.AfterFunc(300*time.Millisecond, func() { close(release) })
	time.Sleep(100 * time.Millisecond) // The post is under way when it is told to stop.
	stop()
	r.connect()
	stop = r.start()
	start := time.Now()
	eventually(t, "all plans taken", func() bool { _, taken := tg.got(); return len(taken) >= len(want) })
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the successor took %s", took)
	}
	stop()
	if _, taken := tg.got(); !slices.Equal(taken, want) {
		t.Errorf("taken %v, want each once", taken)
	}
}

func TestTroubledTargetGetsEverythingAfterwards(t *testing.T) {
	var healed sync.Map
	tg := newTarget(t, func(int) (int, http.Header) {
		if _, ok := healed.Load(true); ok {
			return 200, nil
		}
		return 503, nil
	})
	r := newRig(t, outbound.Sink{Name: "hook", On: outbound.OnPlans, Webhook: tg.URL})
	stop := r.start()
	want := r.plans(0, 20)
	eventually(t, "the target was tried", func() bool { posts, _ := tg.got(); return posts >= 5 })
	time.Sleep(time.Second) // With the circuit open nothing may be posted.
	before, _ := tg.got()
	time.Sleep(time.Second) // What must not be posted would be.
	if after, _ := tg.got(); after > before {
		t.Errorf("%d posts went to a target that is left alone", after-before)
	}
	stop() // A restart in the middle loses nothing either.
	healed.Store(true, true)
	stop = r.start()
	eventually(t, "all plans taken", func() bool { _, taken := tg.got(); return len(taken) >= len(want) })
	stop()
	if _, taken := tg.got(); !slices.Equal(taken, want) {
		t.Errorf("taken %v, want each once", taken)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	var first, second time.Time
	tg := newTarget(t, func(n int) (int, http.Header) {
		if n == 1 {
			first = time.Now()
			return 429, http.Header{"Retry-After": {"2"}}
		}
		second = time.Now()
		return 200, nil
	})
	r := newRig(t, outbound.Sink{Name: "hook", On: outbound.OnPlans, Webhook: tg.URL})
	stop := r.start()
	r.plans(0, 1)
	eventually(t, "the plan taken", func() bool { _, taken := tg.got(); return len(taken) == 1 })
	stop()
	if wait := second.Sub(first); wait < 1800*time.Millisecond {
		t.Errorf("the second try came after %s, the target asked for 2s", wait)
	}
}

func TestRefusedResultBecomesADeadLetter(t *testing.T) {
	tg := newTarget(t, func(n int) (int, http.Header) { return map[bool]int{true: 400, false: 200}[n == 1], nil })
	r := newRig(t, outbound.Sink{Name: "hook", On: outbound.OnPlans, Webhook: tg.URL})
	stop := r.start()
	r.plans(0, 1)
	eventually(t, "the plan refused", func() bool { posts, _ := tg.got(); return posts == 1 })
	r.plans(1, 2)
	eventually(t, "its neighbour taken", func() bool { _, taken := tg.got(); return len(taken) == 1 })
	if err := r.bus.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.plans.proposed", ID: "rubbish", Data: []byte("rubbish")}}); err != nil {
		t.Fatal(err)
	}
	var letters []bus.Message
	eventually(t, "two dead letters", func() bool {
		letters = nil
		err := r.bus.Since(t.Context(), pipeline.StreamDead, time.Now().Add(-time.Hour), 100, func(m *bus.Message) { letters = append(letters, *m) })
		return err == nil && len(letters) == 2
	})
	stop()
	header := nats.Header(letters[0].Header)
	if letters[0].Subject != outbound.SubjectDead || header.Get("Hal9-Error") == "" || header.Get("Hal9-Layer") != "sink" ||
		header.Get("Hal9-Stream") != "HAL9_PLANS" || header.Get("Hal9-Seq") != "1" || header.Get("Hal9-Attempts") != "1" {
		t.Errorf("the letter on %s has headers %v", letters[0].Subject, header)
	}
	if string(letters[1].Data) != "rubbish" {
		t.Errorf("the second letter holds %q, want the original bytes", letters[1].Data)
	}
}

func TestSubjectSinkGetsWhatItsConditionWants(t *testing.T) {
	r := newRig(t, outbound.Sink{Name: "audit", On: outbound.OnVerdicts, When: `disposition == "dead"`, Subject: "audit.dead"})
	sub, err := r.bus.Conn().SubscribeSync("audit.dead")
	if err != nil {
		t.Fatal(err)
	}
	stop := r.start()
	defer stop()
	for i, disposition := range []layers.Disposition{layers.DispositionResolved, layers.DispositionDead, layers.DispositionFolded} {
		data, err := json.Marshal(layers.Verdict{SignalID: fmt.Sprint("s", i), Layer: layers.NameL3, Disposition: disposition})
		if err != nil {
			t.Fatal(err)
		}
		err = r.bus.Publish(t.Context(), []pipeline.Record{{
			Subject: pipeline.SubjectOfVerdict(layers.NameL3, disposition), ID: fmt.Sprint("v", i), Data: data,
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	msg, err := sub.NextMsg(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var v layers.Verdict
	if err := json.Unmarshal(msg.Data, &v); err != nil || v.SignalID != "s1" {
		t.Errorf("the sink got %s (%v), want the dead verdict", msg.Data, err)
	}
	if msg, err := sub.NextMsg(300 * time.Millisecond); err == nil {
		t.Errorf("the sink also got %s", msg.Data)
	}
}
