package ingest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

const webhookBody = `{"version":"4","groupKey":"{}:{}","truncatedAlerts":0,"status":"firing","receiver":"hal9","groupLabels":{},
"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am:9093","alerts":[
{"status":"firing","labels":{"alertname":"DiskFull","instance":"db1:9100","severity":"critical"},"annotations":{"summary":"disk full"},
"startsAt":"2024-05-19T12:00:00.5Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/graph","fingerprint":"f1"},
{"status":"resolved","labels":{"alertname":"DiskFull","job":"node","severity":"critical"},"annotations":{"description":"was full"},
"startsAt":"2024-05-19T11:00:00Z","endsAt":"2024-05-19T12:10:00Z","generatorURL":"","fingerprint":"f2"}]}`

func TestAlertmanagerWebhook(t *testing.T) {
	d := newDecoder(t)
	items, err := d.AlertmanagerWebhook([]byte(webhookBody), nowAt)
	if err != nil {
		t.Fatal(err)
	}
	want := []layers.Signal{
		{
			Source: "alertmanager", Type: "alert", Key: "db1:9100", Time: at(t, "2024-05-19T12:00:00.5Z"), Severity: layers.SeverityCritical, Text: "disk full",
			Labels: map[string]string{"alertname": "DiskFull", "instance": "db1:9100", "severity": "critical", "alertstatus": "firing"},
		},
		{
			Source: "alertmanager", Type: "alert", Key: "node", Time: at(t, "2024-05-19T12:10:00Z"), Severity: layers.SeverityInfo, Text: "was full",
			Labels: map[string]string{"alertname": "DiskFull", "job": "node", "severity": "critical", "alertstatus": "resolved"},
		},
	}
	if items[0].Signal.ID == items[1].Signal.ID {
		t.Errorf("both have the id %q", items[0].Signal.ID)
	}
	briefs(t, items)
	for i := range items {
		got := items[i].Signal
		if !strings.Contains(string(got.Data), `"fingerprint":"f`) {
			t.Errorf("data: %s", got.Data)
		}
		roundTrip(t, d, &got)
		got.ID, got.Data = "", nil
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestAlertmanagerAlerts checks what Prometheus means by its times.
func TestAlertmanagerAlerts(t *testing.T) {
	for _, c := range []struct{ name, times, status, when string }{
		{"no times", ``, "firing", "2024-05-19T12:30:00Z"},
		{"ends in the future", `,"startsAt":"2024-05-19T12:00:00Z","endsAt":"2024-05-19T12:34:00Z"`, "firing", "2024-05-19T12:00:00Z"},
		{"ended", `,"startsAt":"2024-05-19T12:00:00Z","endsAt":"2024-05-19T12:29:59Z"`, "resolved", "2024-05-19T12:29:59Z"},
		{"ends now", `,"startsAt":"2024-05-19T12:00:00Z","endsAt":"2024-05-19T12:30:00Z"`, "resolved", "2024-05-19T12:30:00Z"},
		{"ended without a start", `,"endsAt":"2024-05-19T12:29:59Z"`, "resolved", "2024-05-19T12:29:59Z"},
		{"says that it is resolved", `,"status":"resolved","startsAt":"2024-05-19T12:00:00Z"`, "resolved", "2024-05-19T12:00:00Z"},
		{"zero times", `,"startsAt":"0001-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00.000Z"`, "firing", "2024-05-19T12:30:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := `[{"labels":{"alertname":"A","severity":"warning"},"generatorURL":"http://p/g"` + c.times + `}]`
			items, err := newDecoder(t).AlertmanagerAlerts([]byte(body), nowAt)
			if err != nil {
				t.Fatal(err)
			}
			s := items[0].Signal
			if s.Labels["alertstatus"] != c.status || !s.Time.Equal(at(t, c.when)) {
				t.Errorf("%s at %v, want %s at %s", s.Labels["alertstatus"], s.Time, c.status, c.when)
			}
			if s.Type != "alert" || s.Key != "A" || s.Text != "A" {
				t.Errorf("type %q, key %q, text %q", s.Type, s.Key, s.Text)
			}
		})
	}
}

func TestAlertKey(t *testing.T) {
	for labels, want := range map[string]string{
		`"instance":"i","service":"s","job":"j"`: "i",
		`"service":"s","job":"j"`:                "s",
		`"job":"j","namespace":"n"`:              "j",
		`"namespace":"n"`:                        "A",
	} {
		items, err := newDecoder(t).AlertmanagerAlerts([]byte(`[{"labels":{"alertname":"A",`+labels+`}}]`), nowAt)
		if err != nil {
			t.Fatal(err)
		}
		if got := items[0].Signal.Key; got != want {
			t.Errorf("%s: key %q, want %q", labels, got, want)
		}
	}
}

func TestAlertsAreBad(t *testing.T) {
	d := newDecoder(t)
	for _, c := range []struct {
		name, body string
		decode     func(body string) ([]Item, error)
		want       string
	}{
		{name: "no object", body: `[]`, decode: d.webhook, want: "a JSON object"},
		{name: "no alerts", body: `{"version":"4"}`, decode: d.webhook, want: `field "alerts": is missing`},
		{name: "version", body: `{"version":"3","alerts":[]}`, decode: d.webhook, want: `field "version": "3" is not supported; want "4"`},
		{name: "alert in webhook", body: `{"version":"4","alerts":[{"labels":{"alertname":"A"}},{"labels":{}}]}`, decode: d.webhook, want: `signal 1: field "labels": there are none`},
		{name: "UTF-8", body: "{\"\xff\":1}", decode: d.webhook, want: "UTF-8"},
		{name: "no array", body: `{}`, decode: d.v2, want: "no JSON array"},
		{name: "empty", body: ``, decode: d.v2, want: "no JSON array"},
		{name: "no labels", body: `[{}]`, decode: d.v2, want: `signal 0: field "labels"`},
		{name: "labels of a wrong type", body: `[{"labels":[]}]`, decode: d.v2, want: `signal 0: field "labels": is an array; want an object`},
		{name: "time", body: `[{"labels":{"a":"b"},"startsAt":"noon"}]`, decode: d.v2, want: `signal 0: field "startsAt": "noon" is no RFC 3339 time`},
		{name: "time of a wrong type", body: `[{"labels":{"a":"b"},"endsAt":7}]`, decode: d.v2, want: `signal 0: field "endsAt": is a number`},
		{name: "no alert", body: `[7]`, decode: d.v2, want: `signal 0: broken JSON`},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, err := c.decode(c.body)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d items, %v; want %q", len(items), err, c.want)
			}
		})
	}
	if items, err := d.v2("[]"); err != nil || len(items) != 0 {
		t.Errorf("no alerts are no error: %d, %v", len(items), err)
	}
}

func (d *Decoder) webhook(body string) ([]Item, error) {
	return d.AlertmanagerWebhook([]byte(body), nowAt)
}

func (d *Decoder) v2(body string) ([]Item, error) {
	return d.AlertmanagerAlerts([]byte(body), nowAt)
}
