package implementation_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
	"github.com/2lab-ai/hal9/layers/layertest"
)

// FuzzDecide sends whatever comes between two known lines: findings must be well-formed, the
// same signal must find the template it made, and a restart must change nothing.
func FuzzDecide(f *testing.F) {
	f.Add("web", "log", "GET /v1/orders/5 answered in 35ms", `{"a":1}`)
	f.Add("s", "", "session closed for user alice", ``)
	f.Add("s", "t t", "", `{"user-1":{"n":1e400},"":2}`)
	f.Add("s\xff", "", "a=, () [] <*> x://y /p ../q C:\\z fe80::1: 1,2:3/4 5 KB 6 KB b1 b1 \xff\u2028", `{`)
	f.Fuzz(func(t *testing.T, source, kind, text, data string) {
		l := newLayer(t, implementation.DefaultConfig())
		mine(t, l, source, "session closed for user bob", "GET /x answered in 5ms")
		e := &layers.Envelope{Signal: layers.Signal{ID: "i", Source: source, Type: kind, Key: "k", Text: text, Data: []byte(data)}}
		first := layertest.Clone(e)
		if err := layertest.CheckDecision(decide(t, l, first)); err != nil {
			t.Error(err)
		}
		if err := layertest.CheckFindings(&first.Findings); err != nil {
			t.Error(err)
		}
		checkTemplate(t, &first.Findings)
		snapshot, err := l.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		restored := newLayer(t, implementation.DefaultConfig())
		if err := restored.Restore(snapshot); err != nil {
			t.Fatal(err)
		}
		for _, layer := range []*implementation.Layer{l, restored} {
			again := layertest.Clone(e)
			decide(t, layer, again)
			if again.Findings.TemplateID != first.Findings.TemplateID || again.Findings.NewTemplate {
				t.Errorf("first %+v, then %+v", first.Findings, again.Findings)
			}
		}
	})
}

func checkTemplate(t *testing.T, f *layers.Findings) {
	t.Helper()
	if holes := strings.Count(f.Template, "<*>"); f.Parameters != nil && holes != len(f.Parameters) && holes <= 32 {
		t.Errorf("template %q with parameters %q", f.Template, f.Parameters)
	}
	for _, s := range append([]string{f.Template}, f.Parameters...) {
		if !utf8.ValidString(s) {
			t.Errorf("%q is no UTF-8", s)
		}
	}
	for name := range f.Features {
		if !utf8.ValidString(name) || name == "" || len(name) > 64+len("_seconds") {
			t.Errorf("feature %q", name)
		}
	}
}
