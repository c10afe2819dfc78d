package bus_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestStageTurnsWhatItCannotDecideIntoDeadLetters(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	run := newStageRun(b)
	var tries atomic.Int64
	run.layer = func() (layers.Layer, error) {
		return &tally{seen: map[string]int{}, fail: func(e *layers.Envelope) error {
			switch e.ID {
			case "s2":
				return layers.Permanent(errors.New("never possible"))
			case "s3":
				tries.Add(1)
				return errors.New("failed again\nand again")
			case "s4":
				panic("out of range")
			default:
				return nil
			}
		}}, nil
	}
	stop := run.start(t)
	feed(t, b, 0, 6)
	if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.l3.0", ID: "rubbish", Data: []byte("rubbish")}}); err != nil {
		t.Fatal(err)
	}
	got := waitSettled(t, b, 7)
	stop()
	if tries.Load() != int64(run.cfg.MaxAttempts) {
		t.Errorf("%d tries, want %d", tries.Load(), run.cfg.MaxAttempts)
	}
	letters := map[string]string{}
	err := b.Since(t.Context(), pipeline.StreamDead, time.Time{}.Add(1), 100, func(m *bus.Message) {
		letters[m.Header["Nats-Msg-Id"][0]] = m.Header[pipeline.HeaderAttempts][0] + " " + m.Header[pipeline.HeaderError][0]
		if m.Header[pipeline.HeaderStream][0] != "HAL9_L3" || m.Header[pipeline.HeaderLayer][0] != "L3" || m.Header[pipeline.HeaderSeq][0] == "" {
			t.Errorf("headers %v do not say where the letter comes from", m.Header)
		}
		source, id := m.Header[pipeline.HeaderSignalSource][0], m.Header[pipeline.HeaderSignalID][0]
		if m.Header["Nats-Msg-Id"][0] != pipeline.SignalID(source, id)+".dead" {
			t.Errorf("headers %v do not say which signal the letter is about", m.Header)
		}
		if _, err := time.Parse(time.RFC3339Nano, m.Header[pipeline.HeaderSignalReceived][0]); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		pipeline.SignalID("test", "s2") + ".dead": "1 never possible",
		pipeline.SignalID("test", "s3") + ".dead": "3 failed again and again",
		pipeline.SignalID("test", "s4") + ".dead": "3 pipeline: layer L3 panicked: out of range",
	} {
		if letters[id] != want {
			t.Errorf("dead letter %s says %q, want %q", id, letters[id], want)
		}
	}
	if len(letters) != 4 {
		t.Errorf("%d dead letters, want 4: %v", len(letters), letters)
	}
	for i := range 6 {
		if len(got[fmt.Sprint("s", i)]) != 1 {
			t.Errorf("signal s%d ended %d times", i, len(got[fmt.Sprint("s", i)]))
		}
	}
}
