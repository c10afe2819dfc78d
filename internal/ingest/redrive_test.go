package ingest

import (
	"maps"
	"testing"
	"time"
)

// TestRedrivenSignalsHaveTheirNewName shows that the id of a second attempt counts whatever the payload says,
// and that nothing but the header of a redrive has that effect.
func TestRedrivenSignalsHaveTheirNewName(t *testing.T) {
	first := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	redriven := map[string][]string{
		"Hal9-Redrive-Of": {"7"}, "Hal9-Signal-Id": {"7~redrive-1"}, "Hal9-Signal-Received": {first.Format(time.RFC3339Nano)},
		"Nats-Msg-Id": {"hash"},
	}
	with := func(change map[string]string) map[string][]string {
		header := maps.Clone(redriven)
		for name, value := range change {
			header[name] = []string{value}
			if value == "" {
				delete(header, name)
			}
		}
		return header
	}
	for _, c := range []struct {
		name, data string
		header     map[string][]string
		id         string
		time       time.Time
	}{
		{"text", "disk full", redriven, "7~redrive-1", first},
		{"id in the payload", `{"id":"7","message":"x"}`, redriven, "7~redrive-1", first},
		{"time in the payload", `{"id":"7","time":"2020-01-01T00:00:00Z"}`, redriven, "7~redrive-1", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"CloudEvent", `{"specversion":"1.0","id":"7","source":"s","type":"t"}`, redriven, "7~redrive-1", first},
		{"own form", `{"id":"7","source":"s","subject":"k","time":"2020-01-01T00:00:00Z","data":null}`, redriven, "7~redrive-1", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"no redrive", `{"id":"7"}`, with(map[string]string{"Hal9-Redrive-Of": ""}), "7", storedAt},
		{"no redrive and no id", "x", with(map[string]string{"Hal9-Redrive-Of": ""}), "hash", storedAt},
		{"no new id", `{"id":"7"}`, with(map[string]string{"Hal9-Signal-Id": ""}), "7", storedAt},
		{"a new id that is none", `{"id":"7"}`, with(map[string]string{"Hal9-Signal-Id": "a\nb"}), "7", storedAt},
		{"a time that is none", "x", with(map[string]string{"Hal9-Signal-Received": "yesterday"}), "7~redrive-1", storedAt},
		{"a time that can't be", "x", with(map[string]string{"Hal9-Signal-Received": "0001-01-01T00:00:00Z"}), "7~redrive-1", storedAt},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := message("hal9.signals.web", c.data, nil)
			m.Header = c.header
			item, err := newDecoder(t).Message(m)
			if err != nil || item.Signal.ID != c.id || !item.Signal.Time.Equal(c.time) {
				t.Errorf("id %q of %s (%v), want %q of %s", item.Signal.ID, item.Signal.Time, err, c.id, c.time)
			}
		})
	}
	m := message("hal9.signals.web", "", nil)
	m.Header = redriven
	if id := newDecoder(t).FallbackID(m); id != "7~redrive-1" {
		t.Errorf("what can't be read again is called %q", id)
	}
	m.Header = with(map[string]string{"Hal9-Redrive-Of": ""})
	if id := newDecoder(t).FallbackID(m); id != "hash" {
		t.Errorf("what is no redrive is called %q", id)
	}
}
