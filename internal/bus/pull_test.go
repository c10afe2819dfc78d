package bus

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestPullerKnowsSinceWhenItHasAMessage takes messages out of a backlog that never ends, and then waits for one: no message may
// seem to be younger than the time at which it could have been asked for.
func TestPullerKnowsSinceWhenItHasAMessage(t *testing.T) {
	p := &puller{roof: 8, most: 8}
	p.drain()
	ends := []time.Time{p.marks[0].at}
	for range 10 { // bursts of 4
		since := p.since()
		if bound := ends[max(0, len(ends)-2)]; since.After(bound) || len(ends) > 3 && since.Before(ends[len(ends)-3]) {
			t.Errorf("after %d bursts a message is held since %s, want soon before %s", len(ends)-1, since, bound)
		}
		p.taken += 4
		time.Sleep(time.Millisecond) // The clock must go on.
		p.note()
		ends = append(ends, p.marks[len(p.marks)-1].at)
	}
	if len(p.marks) > 4 {
		t.Errorf("%d marks are kept", len(p.marks))
	}
	before := time.Now()
	p.drain()
	if got := p.since(); got.Before(before) || len(p.marks) != 1 {
		t.Errorf("held since %s, with %d marks, although nothing waited at %s", got, len(p.marks), before)
	}
}

func TestPullerNarrows(t *testing.T) {
	p := &puller{roof: 64, most: 64}
	for _, c := range []struct{ window, most int }{{0, 64}, {1000, 64}, {20, 20}, {1, windowLeast}, {0, 64}} {
		if p.narrow(c.window); p.most != c.most {
			t.Errorf("with a window of %d it may have %d open, want %d", c.window, p.most, c.most)
		}
	}
}

// TestPullerAsksAnewWhereTheServerIsSilent has no connection: to ask fails.
func TestPullerAsksAnewWhereTheServerIsSilent(t *testing.T) {
	for name, c := range map[string]struct {
		heard   time.Duration
		waiting int
		asks    bool
	}{
		"heard of lately":              {pullSilence / 2, 0, false},
		"silent":                       {pullSilence + time.Second, 0, true},
		"heard of, by a slow layer":    {pullSilence + time.Second, 1, false},
		"heard of lately, and waiting": {0, 1, false},
	} {
		p := &puller{roof: 8, most: 8, open: 8, heard: time.Now().Add(-c.heard), incoming: make(chan *nats.Msg, 1), sub: &nats.Subscription{}}
		for range c.waiting {
			p.incoming <- &nats.Msg{}
		}
		if err := p.check(); (err != nil) != c.asks {
			t.Errorf("%s: error %v, asks %t, want %t", name, err, err != nil, c.asks)
		}
	}
}
