package web

import (
	"net/http"
	"testing"

	"github.com/2lab-ai/hal9/internal/ingest"
)

// FuzzDoor throws bytes at the whole HTTP door: whatever comes, the answer is one of the
// documented statuses, and what is stored is what the answer says.
func FuzzDoor(f *testing.F) {
	types := []string{
		typeJSON, "application/x-ndjson", "text/plain", "application/cloudevents+json",
		"application/cloudevents-batch+json", "application/octet-stream", "",
	}
	paths := []string{"/v1/signals", "/v1/alertmanager", "/api/v2/alerts"}
	for i, body := range []string{oneSignal, twoSignals, "a\nb", oneEvent, "[" + oneEvent + "]", oneHook, oneAlert, "[1,\"x\"]", "\xff\x00", "17.5"} {
		for kind := range types {
			f.Add(body, uint8(kind), uint8(i), "", "")
		}
	}
	f.Add(oneSignal, uint8(0), uint8(0), "gzip", "1.0")
	f.Fuzz(func(t *testing.T, body string, kind, path uint8, encoding, spec string) {
		b := setup(t, func(c *Config, _ *Deps) { c.MaxBodyBytes = 4096 })
		header := []string{"Content-Type", types[int(kind)%len(types)], "Content-Encoding", encoding, "Ce-Specversion", spec, "Ce-Id", spec, "Ce-Source", spec, "Ce-Type", spec}
		rec := b.post(t, paths[int(path)%len(paths)], body, header...)
		stored := len(b.store.items)
		switch rec.Code {
		case http.StatusAccepted:
			if a := read(t, rec); a.Count != len(a.Accepted) || stored > a.Count {
				t.Errorf("%s, stored %d", rec.Body, stored)
			}
		case http.StatusOK:
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
			if a := read(t, rec); a.Error == "" || stored != 0 {
				t.Errorf("%s, stored %d", rec.Body, stored)
			}
		default:
			t.Errorf("status %d: %s", rec.Code, rec.Body)
		}
		for _, item := range b.store.items {
			checkItem(t, item)
		}
	})
}

func checkItem(t *testing.T, item ingest.Item) {
	t.Helper()
	if s := item.Signal; s.ID == "" || s.Source == "" || s.Key == "" || s.Time.IsZero() {
		t.Errorf("incomplete signal %+v", s)
	}
}
