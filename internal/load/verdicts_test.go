package load

import (
	"testing"

	"github.com/2lab-ai/hal9/internal/bus"
)

func TestVerdictsReachWhoWaits(t *testing.T) {
	v := newVerdicts()
	one, two := v.expect("one"), v.expect("two")
	for _, text := range []string{
		`{"signal_id":"three","disposition":"resolved"}`, `nonsense`, `{"signal_id":7}`, `{"signal_id":"two","disposition":"odd"}`,
		`{"signal_id":"one","disposition":"folded"}`, `{"signal_id":"one","disposition":"dead"}`,
	} {
		v.visit(&bus.Message{Data: []byte(text)})
	}
	select {
	case got := <-one:
		if got.String() != "folded" {
			t.Errorf("got %s, want the first verdict", got)
		}
	default:
		t.Error("no verdict on one")
	}
	select {
	case got := <-two:
		t.Errorf("got %s on two", got)
	default:
	}
	v.forget("two")
	if len(v.waiting) != 0 {
		t.Errorf("%d are waited for still", len(v.waiting))
	}
}
