package layertest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

// restarts is how many positions of the input a restart is tried at.
const restarts = 8

// checkSnapshots restarts the layer from its own snapshot at several positions and wants the
// rest of the decisions to be those of a layer that never stopped.
func checkSnapshots(tb testing.TB, h Harness) error {
	tb.Helper()
	if _, ok := h.New(tb).(layers.Keeper); !ok {
		return nil
	}
	envelopes := h.Envelopes()
	want := replay(tb, h.New(tb), 0, envelopes)
	for at := 0; at <= len(envelopes); at += max(1, len(envelopes)/restarts) {
		before := h.New(tb)
		replay(tb, before, 0, envelopes[:at])
		after, err := restart(tb, h, before)
		if err != nil {
			return fmt.Errorf("restart after %d envelopes: %w", at, err)
		}
		if err := differ(replay(tb, after, at, envelopes[at:]), want[at:], envelopes[at:]); err != nil {
			return fmt.Errorf("restart after %d envelopes: then %w", at, err)
		}
	}
	return nil
}

// restart returns a fresh layer that was given the snapshot of l.
func restart(tb testing.TB, h Harness, l layers.Layer) (layers.Layer, error) {
	tb.Helper()
	snapshot, err := l.(layers.Keeper).Snapshot()
	if err != nil {
		return nil, err
	}
	fresh := h.New(tb)
	given := bytes.Clone(snapshot)
	if err := fresh.(layers.Keeper).Restore(given); err != nil {
		return nil, err
	}
	clear(given) // What Restore was given stays the caller's.
	return fresh, nil
}

// checkSnapshotBytes wants the same state to give the same bytes: from one layer twice, from
// two layers with the same past, and from one that was restored.
func checkSnapshotBytes(tb testing.TB, h Harness) error {
	tb.Helper()
	first, second := h.New(tb), h.New(tb)
	if _, ok := first.(layers.Keeper); !ok {
		return nil
	}
	replay(tb, first, 0, h.Envelopes())
	replay(tb, second, 0, h.Envelopes())
	restored, err := restart(tb, h, first)
	if err != nil {
		return err
	}
	want, err := first.(layers.Keeper).Snapshot()
	if err != nil {
		return err
	}
	for name, l := range map[string]layers.Layer{"same layer": first, "same past": second, "restored": restored} {
		got, err := l.(layers.Keeper).Snapshot()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s: snapshot of %d bytes differs from the first of %d bytes", name, len(got), len(want))
		}
	}
	return nil
}

// checkRubbish wants an error from what is no snapshot, and a layer that decides as before.
func checkRubbish(tb testing.TB, h Harness) error {
	tb.Helper()
	l, untouched := h.New(tb), h.New(tb)
	keeper, ok := l.(layers.Keeper)
	if !ok {
		return nil
	}
	envelopes := h.Envelopes()
	half := len(envelopes) / 2
	replay(tb, l, 0, envelopes[:half])
	replay(tb, untouched, 0, envelopes[:half])
	snapshot, err := keeper.Snapshot()
	if err != nil {
		return err
	}
	for _, rubbish := range [][]byte{
		[]byte("no snapshot at all"), {0xff, 0xfe, 0xfd, 0, 1, 2, 3}, snapshot[:len(snapshot)/2], snapshot[:max(0, len(snapshot)-1)],
	} {
		if err := keeper.Restore(rubbish); err == nil {
			return fmt.Errorf("restore of %d bytes of rubbish: want an error", len(rubbish))
		}
	}
	want := replay(tb, untouched, half, envelopes[half:])
	if err := differ(replay(tb, l, half, envelopes[half:]), want, envelopes[half:]); err != nil {
		return errors.Join(errors.New("a failed restore left a trace"), err)
	}
	return nil
}
