package keda_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The layer that is flooded: its partitions move while pods come and go.
const (
	flooded    = "L2"
	partitions = 12
)

// sender publishes signals and remembers which were acknowledged.
type sender struct {
	t      *testing.T
	nc     *nats.Conn
	js     jetstream.JetStream
	texts  []string
	acked  map[string]bool
	number int

	emptied time.Time // when L1 had nothing left of the last load
}

func newSender(t *testing.T, url string) *sender {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	s := &sender{t: t, nc: nc, texts: texts(), acked: map[string]bool{}}
	if s.js, err = jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1000)); err != nil {
		t.Fatal(err)
	}
	return s
}

// texts are long, and of few kinds: much to read, nothing new in them.
func texts() (list []string) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 20 {
		var text strings.Builder
		for range 150 {
			for range 6 {
				text.WriteByte(byte('a' + random.IntN(26)))
			}
			text.WriteByte(' ')
		}
		list = append(list, text.String())
	}
	return list
}

// pending are signals that are not acknowledged yet.
type pending map[string]jetstream.PubAckFuture

// send publishes so many signals over so many keys, and waits until each is acknowledged.
func (s *sender) send(signals int) {
	s.t.Helper()
	under := pending{}
	s.publish(signals, under)
	s.await(under)
}

// sendSteadily publishes so many signals a second for a while, and waits until each is acknowledged.
func (s *sender) sendSteadily(perSecond float64, during time.Duration) (signals int) {
	s.t.Helper()
	under := pending{}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for now := began; now.Sub(began) < during; now = <-tick.C {
		due := int(perSecond * now.Sub(began).Seconds())
		s.publish(due-signals, under)
		signals = due
	}
	s.await(under)
	return signals
}

func (s *sender) publish(signals int, under pending) {
	s.t.Helper()
	for range signals {
		s.number++
		id := fmt.Sprintf("flood-%d", s.number)
		body, err := json.Marshal(map[string]any{
			"id": id, "source": "flood", "subject": fmt.Sprintf("host-%d", s.number%200), "severity": "info",
			"message": s.texts[s.number%len(s.texts)] + id, // No two are the same: L1 would know the answer.
		})
		if err != nil {
			s.t.Fatal(err)
		}
		if under[id], err = s.js.PublishAsync("hal9.signals.flood", body, jetstream.WithStallWait(time.Minute)); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *sender) await(under pending) {
	s.t.Helper()
	for id, future := range under {
		select {
		case <-future.Ok():
			s.acked[id] = true
		case err := <-future.Err():
			s.t.Errorf("%s was refused: %v", id, err)
		case <-time.After(time.Minute):
			s.t.Fatalf("%s was not answered", id)
		}
	}
}

// verdicts returns how many verdicts each signal has.
func (s *sender) verdicts() map[string]int {
	s.t.Helper()
	got := map[string]int{}
	consumer, err := s.js.CreateConsumer(s.t.Context(), "HAL9_VERDICTS", jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true})
	if err != nil {
		s.t.Fatal(err)
	}
	for left := int(consumer.CachedInfo().NumPending); left > 0; {
		batch, err := consumer.Fetch(min(left, 1000), jetstream.FetchMaxWait(10*time.Second))
		if err != nil {
			s.t.Fatal(err)
		}
		for msg := range batch.Messages() {
			var v struct {
				ID     string `json:"signal_id"`
				Source string `json:"source"`
			}
			if json.Unmarshal(msg.Data(), &v) == nil && v.Source == "flood" {
				got[v.ID]++
			}
			left--
		}
	}
	return got
}

// allAnswered requires one verdict for each acknowledged signal.
func (s *sender) allAnswered() {
	s.t.Helper()
	var got map[string]int
	until(s.t, 2*time.Minute, "a verdict for every acknowledged signal", func() bool {
		got = s.verdicts()
		return len(got) >= len(s.acked)
	})
	missing, twice := 0, 0
	for id := range s.acked {
		switch n := got[id]; {
		case n == 0:
			missing++
		case n > 1:
			twice++
		}
	}
	if missing+twice > 0 {
		s.t.Errorf("of %d acknowledged signals %d have no verdict and %d several", len(s.acked), missing, twice)
	}
	s.t.Logf("%d signals acknowledged, %d without a verdict, %d with several", len(s.acked), missing, twice)
}

// decision is what the test reads of a decision: the published shape, not HAL9's own type.
type decision struct {
	At       time.Time `json:"at"`
	Wanted   int       `json:"wanted"`
	Reason   string    `json:"reason"`
	Rate     float64   `json:"rate"`
	Measured bool      `json:"rate_measured"`
	Reading  struct {
		Waiting  uint64 `json:"waiting"`
		Working  uint64 `json:"working"`
		Parked   uint64 `json:"parked"`
		Replicas int    `json:"replicas"`
	} `json:"reading"`
}

func (d *decision) unfinished() uint64 {
	return d.Reading.Waiting + d.Reading.Working + d.Reading.Parked
}

// finished reports whether nothing is left of what was sent before a time: L1 has nothing, and after that L2.
func (s *sender) finished(since time.Time) bool {
	s.t.Helper()
	if s.emptied.Before(since) {
		if d, ok := s.decided("L1"); ok && d.At.After(since) && d.unfinished() == 0 {
			s.emptied = d.At
		}
		return false
	}
	d, ok := s.decided(flooded)
	return ok && d.At.After(s.emptied) && d.unfinished() == 0
}

// decided returns the last decision about a layer; ok is false where there is none.
func (s *sender) decided(layer string) (d decision, ok bool) {
	s.t.Helper()
	stream, err := s.js.Stream(s.t.Context(), "HAL9_SCALING")
	if err != nil {
		s.t.Fatal(err)
	}
	msg, err := stream.GetLastMsgForSubject(s.t.Context(), "hal9.scaling."+layer)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return d, false
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return d, json.Unmarshal(msg.Data, &d) == nil
}
