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

// FuzzMaybeCritical decodes everything and requires that nothing critical was passed over.
func FuzzMaybeCritical(f *testing.F) {
	for _, seed := range []string{
		`{"severity":"CRITICAL"}`, `{"level":"Fatal","msg":"x"}`, `{"severity_number":21}`, `{"severityNumber":"24"}`, `{"lvl":"p\u0061nic"}`,
		`{"severity":"page"}`, "EMERG: out of memory", "kernel: CRIT disk", `{"labels":{"severity":"disaster"},"status":"firing"}`, `"alert: x"`,
		`{"specversion":"1.0","id":"1","source":"s","type":"t","severity":"alert","data":{"level":"emergency"}}`, `{"severity":2.3e1}`,
	} {
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
