package web

import (
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

func TestCount(t *testing.T) {
	for _, test := range []struct {
		name  string
		count count
		body  string
		want  int
	}{
		{"array", countArray, `[{"a":[1,2],"b":{"c":1,"d":2}},"x,y","\",","\\",5]`, 5},
		{"array after a mark", countArray, "\xef\xbb\xbf \n[1,2]", 2},
		{"object", countArray, `{"a":1,"b":[1,2,3]}`, 1},
		{"string", countArray, `"[1,2,3]"`, 1},
		{"number", countArray, `17`, 1},
		{"lines", countLines, "a\n\n  \nb\r\nc", 3},
		{"no line", countLines, "\n\n", 0},
		{"webhook", countAlerts, `{"version":"4","alerts":[{"labels":{"a":"1","b":"2"}},{},{}]}`, 3},
	} {
		if got := test.count([]byte(test.body)); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

// FuzzCount shows that no array has more elements than were counted.
func FuzzCount(f *testing.F) {
	for _, body := range []string{twoSignals, oneHook, `["\\\",",[1,2],{"a":",,"}]`, "[]", " [1 , 2]", `{"alerts":[1,2,3]}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var array []json.RawMessage
		if json.Unmarshal([]byte(body), &array) == nil && len(array) > countArray([]byte(body)) {
			t.Errorf("%d elements, counted %d", len(array), countArray([]byte(body)))
		}
		var hook struct{ Alerts []json.RawMessage }
		if json.Unmarshal([]byte(body), &hook) == nil && len(hook.Alerts) > countAlerts([]byte(body)) {
			t.Errorf("%d alerts, counted %d", len(hook.Alerts), countAlerts([]byte(body)))
		}
	})
}

// TestCountBounds shows that a body of millions of tiny items costs little memory.
func TestCountBounds(t *testing.T) {
	b := setup(t)
	body := "[" + strings.Repeat("0,", 4_000_000) + "0]"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rec := b.post(t, "/v1/signals", body, "Content-Type", typeJSON)
	runtime.ReadMemStats(&after)
	if rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d: %s", rec.Code, rec.Body)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d bytes allocated to refuse %d bytes", used, len(body))
	}
}
