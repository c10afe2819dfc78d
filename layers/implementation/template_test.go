package implementation_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
)

// mine decides the texts in order and returns what was found of each.
func mine(tb testing.TB, l *implementation.Layer, source string, texts ...string) []layers.Findings {
	tb.Helper()
	found := make([]layers.Findings, len(texts))
	for i, text := range texts {
		e := &layers.Envelope{Signal: layers.Signal{ID: strconv.Itoa(i), Source: source, Key: "k", Text: text}}
		decide(tb, l, e)
		found[i] = e.Findings
	}
	return found
}

// groups says which texts got the same template: the number of each one's first.
func groups(found []layers.Findings) []int {
	var ids []string
	all := make([]int, len(found))
	for i, f := range found {
		at := slices.Index(ids, f.TemplateID)
		if at < 0 {
			at = len(ids)
			ids = append(ids, f.TemplateID)
		}
		all[i] = at
	}
	return all
}

func TestWhatIsOneTemplate(t *testing.T) {
	tests := []struct {
		name  string
		texts []string
		want  []int
	}{
		{"numbers", []string{"task 1 ran", "task 2 ran"}, []int{0, 0}},
		{"a word among four", []string{"session closed for user alice", "session closed for user bob"}, []int{0, 0}},
		{"two words of nine", []string{"a b c d e f g h one two", "a b c d e f g h three four"}, []int{0, 0}},
		{"too short for that", []string{"accepted alice now", "accepted bob now"}, []int{0, 1}},
		{"another length", []string{"a b c d", "a b c d e"}, []int{0, 1}},
		{"another first word", []string{"one b c d e", "two b c d e"}, []int{0, 1}},
		{"state words", []string{"the link to host is up", "the link to host is down"}, []int{0, 1}},
		{"state words as values", []string{"link a b c state=up", "link a b c state=Down"}, []int{0, 1}},
		{"capitals", []string{"task moved from a to NEW", "task moved from a to RUNNING"}, []int{0, 1}},
		{"capitals where names were", []string{"bad login of user alice", "bad login of user bob", "bad login of user ROOT"}, []int{0, 0, 0}},
		{"no state where names were", []string{"bad login of user alice", "bad login of user bob", "bad login of user failed"}, []int{0, 0, 1}},
		{"values that are empty", []string{"auth ruser= rhost=a.b.c x", "auth ruser=9 rhost= x"}, []int{0, 0}},
		{"only one in four", []string{"a b c d", "a x c d", "a x y d"}, []int{0, 0, 1}},
		{"the nearest", []string{"a b c d e f g h", "a b c d x y g h", "a b c d e y g h"}, []int{0, 0, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found := mine(t, newLayer(t, implementation.DefaultConfig()), "s", test.texts...)
			if diff := cmp.Diff(test.want, groups(found)); diff != "" {
				for i, f := range found {
					t.Logf("%q: %s %q", test.texts[i], f.TemplateID, f.Template)
				}
				t.Error(diff)
			}
		})
	}
}

func TestOfTwoTemplatesTheLineIsOf(t *testing.T) {
	last := []string{"p q r s t u v alpha", "p q r s t u v beta"}    // p q r s t u v <*>
	lastTwo := []string{"p q r s t u x alpha", "p q r s t u w beta"} // p q r s t u <*> <*>
	middle := []string{"p k r s t m v zed", "p j r s t n v zed"}     // p <*> r s t <*> v zed
	middleNear := []string{"p k r n t u v zed", "p j r o t u v zed"} // p <*> r <*> t u v zed
	for name, test := range map[string]struct {
		texts []string
		want  int
	}{
		"more words in common, older":   {slices.Concat(last, middle), 0},
		"more words in common, younger": {slices.Concat(middle, last), 1},
		"as many words, older":          {slices.Concat(lastTwo, middleNear), 0},
		"as many words, older again":    {slices.Concat(middleNear, lastTwo), 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLayer(t, implementation.DefaultConfig())
			mine(t, l, "s", "something else first")
			found := mine(t, l, "s", test.texts[:2]...)
			l = restarted(t, l) // The order of creation outlasts a restart.
			found = append(found, mine(t, l, "s", append(test.texts[2:], "p q r s t u v zed")...)...)
			if diff := cmp.Diff([]int{0, 0, 1, 1, test.want}, groups(found)); diff != "" {
				t.Errorf("%v: %s", found, diff)
			}
		})
	}
}

func restarted(tb testing.TB, l *implementation.Layer) *implementation.Layer {
	tb.Helper()
	snapshot, err := l.Snapshot()
	if err != nil {
		tb.Fatal(err)
	}
	fresh := newLayer(tb, implementation.DefaultConfig())
	if err := fresh.Restore(snapshot); err != nil {
		tb.Fatal(err)
	}
	return fresh
}

func TestHowMuchMayVaryOutlastsARestart(t *testing.T) {
	l := newLayer(t, implementation.DefaultConfig())
	found := mine(t, l, "s", "a b c d", "a x c d")
	found = append(found, mine(t, restarted(t, l), "s", "a x c e")...)
	if diff := cmp.Diff([]int{0, 0, 1}, groups(found)); diff != "" {
		t.Error(diff)
	}
}

func TestForgottenTemplatesDoNotCount(t *testing.T) {
	l := newLayer(t, implementation.Config{MaxSources: 1, MaxTemplates: 5, MaxTotal: 5})
	for i := range 20 {
		if f := mine(t, l, "s", "hello "+string(rune('a'+i))+"x"); !f[0].NewTemplate {
			t.Fatalf("line %d is of template %q: no eight are alive", i, f[0].Template)
		}
	}
}

func TestWhereManyDifferIsAVariable(t *testing.T) {
	for name, format := range map[string]string{"short": "hello %s", "first word": "%s logged in over there"} {
		t.Run(name, func(t *testing.T) {
			var texts []string
			for i := range 12 {
				texts = append(texts, fmt.Sprintf(format, string(rune('a'+i))+"x"))
			}
			texts = append(texts, texts[0], fmt.Sprintf(format, "failed"))
			found := mine(t, newLayer(t, implementation.DefaultConfig()), "s", texts...)
			want := []int{0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 0, 8}
			if diff := cmp.Diff(want, groups(found)); diff != "" {
				t.Error(diff)
			}
			if got, want := found[9].Template, fmt.Sprintf(format, "<*>"); got != want {
				t.Errorf("template %q, want %q", got, want)
			}
			if diff := cmp.Diff([]string{"jx"}, found[9].Parameters); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStateWordsStayApartHoweverMany(t *testing.T) {
	texts := []string{}
	for _, word := range []string{"started", "stopped", "opened", "closed", "created", "deleted", "locked", "mounted", "loaded", "saved"} {
		texts = append(texts, "volume "+word)
	}
	found := mine(t, newLayer(t, implementation.DefaultConfig()), "s", texts...)
	if got := groups(found); got[len(got)-1] != len(texts)-1 {
		t.Errorf("ten events became %v", got)
	}
}

func TestTheIDStaysWhenTheTemplateGeneralises(t *testing.T) {
	l := newLayer(t, implementation.DefaultConfig())
	found := mine(t, l, "s", "session closed for user alice", "session closed for user bob", "session closed for user alice")
	want := []layers.Findings{
		{Template: "session closed for user alice", NewTemplate: true},
		{Template: "session closed for user <*>", Parameters: []string{"bob"}},
		{Template: "session closed for user <*>", Parameters: []string{"alice"}},
	}
	for i := range want {
		want[i].TemplateID = found[0].TemplateID
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
	other := mine(t, newLayer(t, implementation.DefaultConfig()), "s", "session closed for user alice")
	if other[0].TemplateID != found[0].TemplateID {
		t.Error("the same first line has another id in another process")
	}
	if other := mine(t, l, "another", "session closed for user alice"); other[0].TemplateID == found[0].TemplateID || !other[0].NewTemplate {
		t.Error("another source shares the template")
	}
}

func TestStructuredData(t *testing.T) {
	shape := func(l *implementation.Layer, kind, data string) layers.Findings {
		e := &layers.Envelope{Signal: layers.Signal{ID: "i", Source: "s", Type: kind, Key: "k", Data: []byte(data)}}
		decide(t, l, e)
		return e.Findings
	}
	l := newLayer(t, implementation.DefaultConfig())
	first := shape(l, "com.example.order", `{"total":1.5,"items":{"count":2,"deep":{"no":3}},"id":"x"}`)
	if want := "com.example.order { id items total }"; first.Template != want {
		t.Errorf("template %q, want %q", first.Template, want)
	}
	if diff := cmp.Diff(map[string]float64{"total": 1.5, "items.count": 2}, first.Features); diff != "" {
		t.Error(diff)
	}
	same := shape(l, "com.example.order", ` {"id":"y","items":null,"total":"none"}`)
	if same.TemplateID != first.TemplateID || same.NewTemplate || same.Features != nil {
		t.Errorf("the same fields are another template: %+v", same)
	}
	for kind, data := range map[string]string{
		"com.example.refund": `{"id":"y","items":null,"total":"none"}`, "com.example.order": `{"id":"y","items":null,"totals":"none"}`,
	} {
		if other := shape(l, kind, data); other.TemplateID == first.TemplateID {
			t.Errorf("%s %s is the same template", kind, data)
		}
	}
	a, b := shape(l, "", `{"user-1":1,"user-2":{}}`), shape(l, "", `{"user-7":3}`)
	if a.TemplateID != b.TemplateID {
		t.Errorf("names that are identifiers make templates: %q and %q", a.Template, b.Template)
	}
	for _, data := range []string{`[1,2]`, `5`, `"x"`, `{}`, `{"broken`} {
		if f := shape(l, "t", data); f.TemplateID != "" || f.Features != nil {
			t.Errorf("%s: findings %+v of what is no object with fields", data, f)
		}
	}
}
