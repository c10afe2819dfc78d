package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const traceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestNATSTakesWhatSendersSend(t *testing.T) {
	p := up(t, t.TempDir())
	_, js := dial(t, p.NATS)
	for _, msg := range []*nats.Msg{
		{ // CloudEvents 1.0, structured
			Subject: "hal9.signals.ce", Header: nats.Header{"content-type": {"application/cloudevents+json"}},
			Data: []byte(`{"specversion":"1.0","id":"ce-1","source":"//shop","type":"order.failed","subject":"order-7","traceparent":"` + traceParent + `","data":{"a":1}}`),
		},
		{ // CloudEvents 1.0, binary
			Subject: "hal9.signals.ce", Data: []byte("Hello, World!"),
			Header: nats.Header{"ce-specversion": {"1.0"}, "ce-id": {"ce-2"}, "ce-source": {"//caf%C3%A9"}, "ce-type": {"greeting"}, "content-type": {"text/plain"}},
		},
		{Subject: "hal9.signals.app", Data: []byte(`{"id":"j-1","host":"web-1","level":"warn","msg":"slow"}`), Header: nats.Header{"traceparent": {traceParent}}},
		{Subject: "hal9.signals.app.sub", Data: []byte(`{"message":"no id"}`), Header: nats.Header{"Nats-Msg-Id": {"from-header"}}},
		{Subject: "hal9.signals.syslog", Data: []byte("kernel: eth0 link is down"), Header: nats.Header{"Nats-Msg-Id": {"text-1"}}},
		{Subject: "hal9.signals.load", Data: []byte(" 42.5\n"), Header: nats.Header{"Nats-Msg-Id": {"number-1"}}},
		// One id, three times: one signal.
		{Subject: "hal9.signals.app", Data: []byte(`{"id":"again","message":"x"}`)},
		{Subject: "hal9.signals.app", Data: []byte(`{"id":"again","message":"x"}`)},
		{Subject: "hal9.signals.app", Data: []byte(`{"id":"again","message":"something else"}`)},
	} {
		publish(t, js, msg)
	}
	got := eachOnce(t, js, map[string]bool{
		"//shop|ce-1": true, "//café|ce-2": true, "app|j-1": true, "app.sub|from-header": true,
		"syslog|text-1": true, "load|number-1": true, "app|again": true,
	})
	for _, id := range []string{"//shop|ce-1", "app|j-1"} {
		if v := got[id]; len(v) == 1 && v[0].TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" {
			t.Errorf("%s has trace id %s, want the publisher's", id, v[0].TraceID)
		}
	}
	if v := got["app|j-1"]; len(v) == 1 && v[0].Key != "web-1" {
		t.Errorf("the key is %q, want the host", v[0].Key)
	}
}

// rubbish is what nobody can understand.
var rubbish = map[string][]byte{
	"empty":         {},
	"broken JSON":   []byte(`{"id":"x","message":`),
	"array":         []byte(`[{"id":"x"}]`),
	"null":          []byte(`null`),
	"not UTF-8":     {0xff, 0xfe, 0x00, 0x80},
	"deep":          []byte(strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)),
	"bad time":      []byte(`{"id":"x","time":"yesterday"}`),
	"bad id":        []byte(`{"id":{"a":1}}`),
	"bad ce":        []byte(`{"specversion":"1.0","id":"x"}`),
	"huge":          bytes.Repeat([]byte("x"), 1_300_000),
	"control bytes": []byte("{\"id\":\"a\x00b\"}"),
}

func TestRubbishOnNATSBecomesDeadLetters(t *testing.T) {
	p := up(t, t.TempDir())
	_, js := dial(t, p.NATS)
	for name, data := range rubbish {
		publish(t, js, &nats.Msg{Subject: "hal9.signals.bad", Data: data, Header: nats.Header{"X-Name": {name}}})
	}
	publish(t, js, &nats.Msg{Subject: "hal9.signals.good", Data: []byte(`{"id":"after","message":"still here"}`)})
	letters := map[string]jetstream.Msg{}
	for deadline := time.Now().Add(20 * time.Second); len(letters) < len(rubbish) && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		read(t, js, "HAL9_DEAD", func(msg jetstream.Msg) { letters[msg.Headers().Get("X-Name")] = msg })
	}
	for name, data := range rubbish {
		letter := letters[name]
		switch {
		case letter == nil:
			t.Errorf("%s: no dead letter", name)
		case letter.Subject() != "hal9.dead.L1" || letter.Headers().Get("Hal9-Error") == "" || letter.Headers().Get("Hal9-Stream") != "HAL9_L1":
			t.Errorf("%s: letter on %s with headers %v", name, letter.Subject(), letter.Headers())
		case !bytes.Equal(letter.Data(), data):
			t.Errorf("%s: the letter holds other bytes", name)
		}
	}
	got := verdicts(t, js)
	dead := 0
	for _, v := range got {
		if len(v) == 1 && v[0].Disposition == "dead" {
			dead++
		}
	}
	if dead != len(rubbish) || len(got["good|after"]) != 1 {
		t.Errorf("%d dead verdicts of %d, and %v after them", dead, len(rubbish), got["good|after"])
	}
}

// TestLargestMessagesBecomeDeadLetters sends what barely fits into a message, as payload and as headers:
// the letter with its reason no longer does, and must not stop the layer.
func TestLargestMessagesBecomeDeadLetters(t *testing.T) {
	p := up(t, t.TempDir())
	nc, js := dial(t, p.NATS)
	most := int(nc.MaxPayload())
	headers := nats.Header{}
	for i := range 60 {
		headers.Set(fmt.Sprint("X-", i), strings.Repeat("x", 1000))
	}
	publish(t, js, &nats.Msg{Subject: "hal9.signals.big", Data: bytes.Repeat([]byte("x"), most-100), Header: nats.Header{"X-Name": {"payload"}}})
	publish(t, js, &nats.Msg{Subject: "hal9.signals.big", Data: []byte("[]"), Header: headers})
	publish(t, js, &nats.Msg{Subject: "hal9.signals.big", Data: bytes.Repeat([]byte("x"), most-70_000), Header: headers})
	publish(t, js, &nats.Msg{Subject: "hal9.signals.good", Data: []byte(`{"id":"after","message":"x"}`), Header: nats.Header{"Hal9-Kind": {"tick"}}})
	var got map[string][]verdict
	for deadline := time.Now().Add(20 * time.Second); len(got) < 4 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		got = verdicts(t, js)
	}
	if len(got) != 4 || len(got["good|after"]) != 1 {
		t.Errorf("%d verdicts on 4 signals: %v", len(got), got)
	}
	read(t, js, "HAL9_DEAD", func(msg jetstream.Msg) {
		if h := msg.Headers(); h.Get("Hal9-Error") == "" || h.Get("Hal9-Truncated") == "" || h.Get("Hal9-Seq") == "" {
			t.Errorf("a letter lacks headers: %s %s %s", h.Get("Hal9-Error"), h.Get("Hal9-Truncated"), h.Get("Hal9-Seq"))
		}
	})
	p.stop(t)
}

func TestHTTPTakesWhatSendersSend(t *testing.T) {
	p := up(t, t.TempDir())
	_, js := dial(t, p.NATS)
	sent := map[string]bool{}
	accept := func(source string, want int, ids []string) {
		t.Helper()
		if len(ids) != want {
			t.Errorf("%d accepted of %s, want %d", len(ids), source, want)
		}
		for _, id := range ids {
			sent[source+"|"+id] = true
		}
	}
	accept("one", 1, post(t, p.HTTP+"/v1/signals", "application/json", []byte(`{"id":"1","source":"one","message":"x"}`)))
	accept("one", 1, post(t, p.HTTP+"/v1/signals", "application/json", []byte(`{"id":"1","source":"one","message":"x"}`))) // again
	accept("list", 2, post(t, p.HTTP+"/v1/signals", "application/json", []byte(`[{"id":"1","source":"list"},{"source":"list","value":3}]`)))
	accept("nd", 2, post(t, p.HTTP+"/v1/signals", "application/x-ndjson", []byte("{\"source\":\"nd\"}\n\n{\"source\":\"nd\",\"id\":\"2\"}\n")))
	accept("http", 2, post(t, p.HTTP+"/v1/signals", "text/plain", []byte("first line\nsecond line\n")))
	accept("//ce", 1, post(t, p.HTTP+"/v1/signals", "application/cloudevents+json", []byte(`{"specversion":"1.0","id":"c","source":"//ce","type":"t"}`)))
	accept("//ceb", 2, post(t, p.HTTP+"/v1/signals", "application/cloudevents-batch+json",
		[]byte(`[{"specversion":"1.0","id":"c","source":"//ceb","type":"t"},{"specversion":"1.0","id":"d","source":"//ceb","type":"t"}]`)))
	webhook := `{"version":"4","groupKey":"g","status":"firing","receiver":"hal9","groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am",
	"alerts":[{"status":"firing","labels":{"alertname":"DiskFull","instance":"db-1","severity":"warning"},"annotations":{"summary":"disk"},"startsAt":"2026-11-23T08:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"f1"}]}`
	first := post(t, p.HTTP+"/v1/alertmanager", "application/json", []byte(webhook))
	second := post(t, p.HTTP+"/v1/alertmanager", "application/json", []byte(webhook))
	if len(first) != 1 || len(second) != 1 || first[0] == second[0] {
		t.Fatalf("the webhook gave %v and %v", first, second)
	}
	got := map[string][]verdict{}
	for deadline := time.Now().Add(20 * time.Second); len(got) < len(sent)+2 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		got = verdicts(t, js)
	}
	byID := map[string]verdict{}
	for id, v := range got {
		byID[v[0].SignalID] = v[0]
		if len(v) != 1 {
			t.Errorf("%s has %d verdicts", id, len(v))
		}
	}
	for id := range sent {
		if len(got[id]) != 1 {
			t.Errorf("%s has %d verdicts", id, len(got[id]))
		}
	}
	if v := byID[second[0]]; v.Disposition != "suppressed" || v.Layer != "L1" {
		t.Errorf("the alert that still fires ended as %+v, want suppressed at L1", v)
	}
}

func TestPrometheusCanNameHAL9AsItsAlertmanager(t *testing.T) {
	body, err := os.ReadFile(filepath.Join(dataDir(t), "payloads", "alertmanager_v2_alerts.json"))
	if err != nil {
		t.Fatal(err)
	}
	p := up(t, t.TempDir())
	_, js := dial(t, p.NATS)
	post(t, p.HTTP+"/api/v2/alerts", "application/json", body)
	var got map[string][]verdict
	for deadline := time.Now().Add(20 * time.Second); len(got) < 6 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		got = verdicts(t, js)
	}
	if len(got) != 6 {
		t.Errorf("%d verdicts on 6 alerts", len(got))
	}
}

func TestHTTPSaysWhatIsWrong(t *testing.T) {
	p := up(t, t.TempDir())
	for name, c := range map[string]struct {
		method, path, contentType, body string
		status                          int
		want                            string
	}{
		"which field":    {http.MethodPost, "/v1/signals", "application/json", `[{"id":"ok"},{"time":"yesterday"}]`, 400, `"index":1`},
		"broken":         {http.MethodPost, "/v1/signals", "application/json", `{"id":`, 400, "error"},
		"empty":          {http.MethodPost, "/v1/signals", "application/json", ``, 400, "error"},
		"image":          {http.MethodPost, "/v1/signals", "image/png", `x`, 415, "application/json"},
		"method":         {http.MethodDelete, "/v1/signals", "application/json", ``, 405, "POST"},
		"path":           {http.MethodGet, "/v1/nothing", "", ``, 404, "error"},
		"large":          {http.MethodPost, "/v1/signals", "text/plain", strings.Repeat("x", 9<<20), 413, "error"},
		"not an alert":   {http.MethodPost, "/api/v2/alerts", "application/json", `{"labels":{}}`, 400, "error"},
		"not version 4":  {http.MethodPost, "/v1/alertmanager", "application/json", `{"version":"9","alerts":[]}`, 400, "version"},
		"not UTF-8":      {http.MethodPost, "/v1/signals", "text/plain", "\xff\xfe", 400, "UTF-8"},
		"no cloud event": {http.MethodPost, "/v1/signals", "application/cloudevents+json", `{"id":"x"}`, 400, "specversion"},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, p.HTTP+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", c.contentType)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			answer, _ := io.ReadAll(res.Body)
			if res.StatusCode != c.status || !strings.Contains(string(answer)+res.Header.Get("Allow"), c.want) {
				t.Errorf("%s: %s, want %d with %q", res.Status, answer, c.status, c.want)
			}
		})
	}
}
