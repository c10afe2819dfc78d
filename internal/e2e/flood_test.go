package e2e_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// flood says how much is sent. It ends with whatever comes first.
type flood struct {
	most    int           // signals that are not critical, over NATS
	time    time.Duration // for which they are sent
	recover time.Duration // until everything must be answered
}

// floodSize returns what FLOOD asks for: long is a minute.
func floodSize() flood {
	if os.Getenv("FLOOD") == "long" {
		return flood{most: 2_500_000, time: time.Minute, recover: 5 * time.Minute} // HAL9_VERDICTS keeps 2.8 million such verdicts.
	}
	return flood{most: 300_000, time: 10 * time.Second, recover: 2 * time.Minute}
}

const (
	// memoryBound is what `hal9 up` may take of the machine's memory under a flood: GOMEMLIMIT, 512 MiB, holds for what Go
	// manages; the program itself, stacks and what the collector has not given back come on top.
	memoryBound = 640 << 20
	// overtaken is how many signals that were stored earlier a critical one must have been answered ahead of, at the
	// height of the flood.
	overtaken = 20_000
	// refusedFrom is a queue at whose length plain signals must have been refused over HTTP; they are from 200,000 in L1 on.
	refusedFrom = 260_000
)

// TestFlood sends many times what HAL9 can decide, over NATS and HTTP, with critical signals in between. Memory stays
// bounded, critical signals overtake, HTTP refuses and says when to come back, every acknowledged signal is answered
// once, and afterwards all is as before.
func TestFlood(t *testing.T) {
	size := floodSize()
	p := up(t, t.TempDir())
	_, js := dial(t, p.NATS)
	log := newFloodLog(size.most)
	calm(t, js, log)

	ctx, stop := context.WithTimeout(t.Context(), size.time)
	var others sync.WaitGroup
	others.Go(func() { alarm(ctx, t, js, log) })
	doors := &doorCount{}
	others.Go(func() { doors.knock(ctx, t, p.HTTP, log) })
	began := time.Now()
	sent := pour(ctx, t, p.NATS, size.most, log)
	poured := time.Since(began)
	waiting := sent - answers(t, js)
	stop()
	others.Wait()

	began = time.Now()
	awaitAnswers(t, js, log.acknowledged(), size.recover)
	recovered := time.Since(began)
	awaitQuiet(t, js)
	log.read(t, js)
	log.check(t)
	doors.check(t, waiting)
	wantWell(t, p)
	memory := highWater(t, p.PID())
	if memory > memoryBound {
		t.Errorf("hal9 up took %d MiB, the bound is %d MiB", memory>>20, memoryBound>>20)
	}
	t.Logf("%d signals in %s, of which %d waited at the end; all answered %s later; memory at most %d MiB",
		sent, poured.Round(time.Millisecond), waiting, recovered.Round(time.Millisecond), memory>>20)
	t.Log(doors)
	t.Log(log)
	p.stop(t)
}

// answers returns how many verdicts there are.
func answers(t *testing.T, js jetstream.JetStream) int {
	t.Helper()
	stream, err := js.Stream(t.Context(), "HAL9_VERDICTS")
	if err != nil {
		t.Fatal(err)
	}
	return int(stream.CachedInfo().State.LastSeq)
}

func awaitAnswers(t *testing.T, js jetstream.JetStream, want int, within time.Duration) {
	t.Helper()
	got := 0
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if got = answers(t, js); got >= want {
			return
		}
	}
	t.Fatalf("%d verdicts on %d signals %s after the flood", got, want, within)
}

// awaitQuiet waits until no verdict is added: what was stored without an acknowledgement is answered, too.
func awaitQuiet(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	last := -1
	for range 60 {
		now := answers(t, js)
		if now == last {
			return
		}
		last = now
		time.Sleep(500 * time.Millisecond) // The layers work in the background.
	}
	t.Fatal("verdicts keep coming")
}

// wantWell requires that HAL9 is ready and takes signals again.
func wantWell(t *testing.T, p *process) {
	t.Helper()
	status, text := 0, ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.HTTP+"/readyz", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if status, text, _ = knockOnce(req); status != http.StatusOK {
			continue
		}
		req, err = http.NewRequestWithContext(t.Context(), http.MethodPost, p.HTTP+"/v1/signals", strings.NewReader(`{"source":"after","message":"calm again"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if status, text, _ = knockOnce(req); status == http.StatusAccepted {
			return
		}
	}
	t.Errorf("after the flood the last answer is %d: %s", status, text)
}
