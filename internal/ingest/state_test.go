package ingest

import (
	"fmt"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// TestAlertsOfOtherSendersStateTheirCondition reads the words of other alerting systems.
func TestAlertsOfOtherSendersStateTheirCondition(t *testing.T) {
	d, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{
		"firing": "firing", "PROBLEM": "firing", "triggered": "firing", "alerting": "firing", "down": "firing",
		"resolved": "resolved", "OK": "resolved", "Recovered": "resolved", "cleared": "resolved",
		"pending": "", "": "",
	} {
		for _, form := range []string{
			`{"type":"alert","host":"db-1","severity":"critical","message":"full","status":%q}`,
			`{"type":"com.example.alarm","host":"db-1","severity":"critical","message":"full","state":%q}`,
		} {
			item, err := d.Message(Message{Subject: "hal9.signals.mon", Data: fmt.Appendf(nil, form, word), Seq: 1, Stored: time.Unix(1, 0)})
			if err != nil {
				t.Fatal(err)
			}
			s := item.Signal
			if s.Labels["alertstatus"] != want || s.Key != "db-1" || s.Text != "full" {
				t.Errorf("%q: status %q of %q: %q, want %q", word, s.Labels["alertstatus"], s.Key, s.Text, want)
			}
			if want == "resolved" && s.Severity != layers.SeverityInfo {
				t.Errorf("%q: severity %s, want info: it is good news", word, s.Severity)
			}
		}
	}
	for _, other := range []string{`{"type":"log","status":"firing","message":"x"}`, `{"status":"down","message":"x"}`, `{"type":"metric","state":"ok","value":3}`} {
		item, err := d.Message(Message{Subject: "hal9.signals.mon", Data: []byte(other), Seq: 1, Stored: time.Unix(1, 0)})
		if err != nil || item.Signal.Labels["alertstatus"] != "" {
			t.Errorf("%s states a condition: %v %v", other, item.Signal.Labels, err)
		}
	}
}
