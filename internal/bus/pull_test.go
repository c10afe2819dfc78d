package bus

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestPullerKnowsSinceWhenItHasAMessage has two requests open, of which one ends early: no message may seem to be younger than
// the request that brought it.
func TestPullerKnowsSinceWhenItHasAMessage(t *testing.T) {
	first := time.Now()
	second := first.Add(time.Second)
	p := &puller{roof: 8, most: 8, open: 8, asked: []request{{first, 3}, {second, 5}}}
	message := &nats.Msg{Reply: ackPrefix + "HAL9_L1.l1.1.1.1.1.1"}
	want := func(at time.Time) {
		t.Helper()
		if isSignal, err := p.receive(message); !isSignal || err != nil {
			t.Fatal(isSignal, err)
		}
		if got := p.served(); !got.Equal(at) {
			t.Errorf("a message was asked for at %s, want %s", got.Sub(first), at.Sub(first))
		}
	}
	want(first)
	ended := &nats.Msg{Header: nats.Header{"Status": {"408"}, "Description": {"Request Timeout"}, "Nats-Pending-Messages": {"2"}}}
	if _, err := p.receive(ended); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		want(second)
	}
	want(time.Time{}) // Nobody asked: it may be of any age.
}

func TestPullerNarrows(t *testing.T) {
	p := &puller{roof: 64, most: 64}
	for _, c := range []struct{ window, most int }{{0, 64}, {1000, 64}, {20, 20}, {1, windowLeast}, {0, 64}} {
		if p.narrow(c.window); p.most != c.most {
			t.Errorf("with a window of %d it may have %d open, want %d", c.window, p.most, c.most)
		}
	}
}
