package ingest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/layers"
)

func TestMaybeCriticalPassesOverRoutine(t *testing.T) {
	d, err := ingest.New(ingest.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`{"id":"1","severity":"info","message":"request 77 took 5 ms"}`, "user logged in from 10.0.0.7", "42.5",
		`{"id":"1221","severity":"info","message":"request 82134 of 0.214 took 210 ms"}`,
		`{"severity":"error","host":"db-1","text":"disk is full"}`,
	} {
		if d.MaybeCritical(ingest.Message{Subject: "hal9.signals.a", Data: []byte(text)}) {
			t.Errorf("%s may be critical, it says nothing of the kind", text)
		}
	}
	cfg := ingest.DefaultConfig()
	cfg.Sources = []ingest.SourceRule{{Match: "pager", Severity: layers.SeverityCritical}}
	if d, err = ingest.New(cfg); err != nil {
		t.Fatal(err)
	}
	if !d.MaybeCritical(ingest.Message{Subject: "hal9.signals.pager", Data: []byte("hello")}) {
		t.Error("a rule makes this signal critical, and it was passed over")
	}
}

// TestMaybeCriticalKnowsAllWaysToSayIt has signals say in each way that they are critical: what is passed over by mistake is lost under overload.
func TestMaybeCriticalKnowsAllWaysToSayIt(t *testing.T) {
	d, err := ingest.New(ingest.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range criticals {
		m := ingest.Message{Subject: "hal9.signals.a", Data: []byte(text), Seq: 1, Stored: time.Unix(1, 0)}
		item, err := d.Message(m)
		if err != nil || item.Signal.Severity != layers.SeverityCritical {
			t.Errorf("%s is of severity %q (%v), want critical", text, item.Signal.Severity, err)
		}
		if !d.MaybeCritical(m) {
			t.Errorf("%s was passed over", text)
		}
	}
}

// criticals state that they are critical, each in another way.
var criticals = []string{
	`{"severity":"CRITICAL"}`, `{"level":"Fatal","msg":"x"}`, `{"severity":21}`, `{"severity":"24"}`, `{"severity":"+22 "}`, `{"severity":"0023"}`, `{"level":"p\u0061nic"}`,
	`{"severity":"page"}`, "EMERG: out of memory", "kernel: CRIT: disk", `level=fatal msg=x`, "[alert] x", `{"severity":"disaster"}`,
	"<10>Oct 11 03:00:00 host su: failed", "<8>1 - - - - - - x", "F0519 13:00:01.000000 1 main.go:3] gone",
	`{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/plain","data_base64":"Q1JJVDogZGlzaw=="}`,
	`{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/plain","data":"F0519 13:00:01.000000 1 main.go:3] gone"}`,
	`{"specversion":"1.0","id":"1","source":"s","type":"t","severity":"alert","data":{"level":"emergency"}}`,
}

// FuzzMaybeCritical decodes everything and requires that nothing critical was passed over.
func FuzzMaybeCritical(f *testing.F) {
	for _, seed := range append([]string{
		`{"severity_number":21}`, `{"severityNumber":"24"}`, "kernel: CRIT disk", `{"labels":{"severity":"disaster"},"status":"firing"}`, `"alert: x"`,
		`{"severity":2.3e1}`,
	}, criticals...) {
		f.Add([]byte(seed), "")
		f.Add([]byte("x"), seed)
	}
	d, err := ingest.New(ingest.DefaultConfig())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, header string) {
		m := ingest.Message{Subject: "hal9.signals.a", Data: data, Seq: 1, Stored: time.Unix(1, 0)}
		if header != "" {
			name, value, _ := strings.Cut(header, "=")
			m.Header = map[string][]string{name: {value}}
		}
		item, err := d.Message(m)
		if err == nil && item.Signal.Severity == layers.SeverityCritical && !d.MaybeCritical(m) {
			t.Errorf("%q is critical and was passed over", data)
		}
	})
}
