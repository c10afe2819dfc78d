package bus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestListenerSeesWhatIsPublishedWhileItListens(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	announce(t, b, 0, 1) // Before it listens.
	got := &follower{}
	l, err := b.Listen(t.Context(), pipeline.SubjectPlans+".>", got.visit)
	if err != nil {
		t.Fatal(err)
	}
	announce(t, b, 1, 4)
	got.seen(t, 3)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	announce(t, b, 4, 5)
	if texts := got.seen(t, 3); len(texts) != 3 || texts[0] != "1" {
		t.Errorf("it saw %v, want 1, 2 and 3", texts)
	}
	if n := l.Dropped(); n != 0 {
		t.Errorf("%d dropped", n)
	}
}

func TestListenerGoesOnBehindARestartAndSaysThatItBroke(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	got := &follower{}
	l, err := b.Listen(t.Context(), pipeline.SubjectPlans+".>", got.visit)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	broken := l.Broken()
	server.Stop()
	select {
	case <-broken:
	case <-time.After(10 * time.Second):
		t.Fatal("it did not say that the connection broke")
	}
	if _, err := b.Submit(t.Context(), records(0, 1)); !bus.IsDisconnected(err) {
		t.Errorf("error %v, want one that says that NATS is away", err)
	}
	server.Restart(t)
	for i := 0; len(got.seen(t, 0)) == 0; i++ { // What is published before it is back is missed.
		if i == 500 {
			t.Fatal("it does not listen any more")
		}
		announce(t, b, i, i+1)
		time.Sleep(20 * time.Millisecond)
	}
}

func TestIsDisconnected(t *testing.T) {
	for err, want := range map[error]bool{
		nil: false, errors.New("x"): false, &bus.BusyError{Err: errors.New("full")}: false,
		bus.ErrDisconnected: true, nats.ErrConnectionClosed: true, nats.ErrDisconnected: true,
	} {
		if got := bus.IsDisconnected(err); got != want {
			t.Errorf("IsDisconnected(%v) = %t", err, got)
		}
	}
}
