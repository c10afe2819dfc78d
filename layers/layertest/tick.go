package layertest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// patience is for how many hours of silence a layer may wait for something.
const patience = 10_000

// checkTicks wants a tick that nobody waits for to do nothing, and waiting to end once
// nothing comes any more.
func checkTicks(tb testing.TB, h Harness) error {
	tb.Helper()
	l := h.New(tb)
	ticker, ok := l.(layers.Ticker)
	if !ok {
		return nil
	}
	if ticker.Waiting() {
		return errors.New("a fresh layer waits")
	}
	if err := checkIdleTick(l, start); err != nil {
		return fmt.Errorf("a fresh layer: %w", err)
	}
	now := start
	for i, e := range h.Envelopes() {
		step(tb, l, i, e)
		now = e.ReceivedAt
	}
	for range patience {
		if !ticker.Waiting() {
			return checkIdleTick(l, now)
		}
		now = now.Add(time.Hour)
		for _, event := range ticker.Tick(now) {
			if err := checkEvent(event); err != nil {
				return fmt.Errorf("tick at %s: %w", now, err)
			}
		}
	}
	return fmt.Errorf("still waiting after %d hours of silence", patience)
}

func checkIdleTick(l layers.Layer, now time.Time) error {
	before, err := snapshotOf(l)
	if err != nil {
		return err
	}
	if events := l.(layers.Ticker).Tick(now.Add(time.Hour)); len(events) > 0 {
		return fmt.Errorf("a tick that nobody waits for made %d events", len(events))
	}
	after, err := snapshotOf(l)
	if err == nil && !bytes.Equal(before, after) {
		err = errors.New("a tick that nobody waits for changed the snapshot")
	}
	return err
}

// snapshotOf is nil for a layer that is no Keeper.
func snapshotOf(l layers.Layer) ([]byte, error) {
	if keeper, ok := l.(layers.Keeper); ok {
		return keeper.Snapshot()
	}
	return nil, nil
}
