package ingest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

func TestGlobMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"web", "web", true},
		{"web", "web2", false},
		{"web", "we", false},
		{"*", "", true},
		{"*", "a/b.c", true},
		{"web-*", "web-1", true},
		{"web-*", "web-", true},
		{"web-*", "web", false},
		{"*.eu", "a.b.eu", true},
		{"*.eu", "a.eu.us", false},
		{"a*b*c", "aXbXbXc", true},
		{"a*b*c", "aXcXb", false},
		{"?", "é", true},
		{"?", "", false},
		{"w?b", "wéb", true},
		{"**", "x", true},
		{"", "", true},
		{"", "x", false},
	} {
		if got := globMatch(c.pattern, c.text); got != c.want {
			t.Errorf("%q over %q: %v", c.pattern, c.text, got)
		}
	}
}

// TestSourceRules shows that rules add and never override, and that the first one decides.
func TestSourceRules(t *testing.T) {
	d := newDecoder(t,
		SourceRule{Match: "web*", Type: "log", Key: "request.host", Severity: layers.SeverityInfo, Labels: map[string]string{"team": "shop", "a": "rule"}},
		SourceRule{Match: "*", Type: "other", Labels: map[string]string{"rule": "second"}},
	)
	for _, c := range []struct {
		subject, data string
		want          layers.Signal
	}{
		{"web", "hello", layers.Signal{Key: "web", Type: "log", Severity: layers.SeverityInfo, Labels: map[string]string{"team": "shop", "a": "rule"}, Text: "hello"}},
		{"db", "hello", layers.Signal{Key: "db", Type: "other", Labels: map[string]string{"rule": "second"}, Text: "hello"}},
		{
			"web.eu", `{"type":"t","severity":"error","labels":{"a":"own"},"subject":"k","request":{"host":"h"}}`,
			layers.Signal{Key: "k", Type: "t", Severity: layers.SeverityError, Labels: map[string]string{"team": "shop", "a": "own"}},
		},
		{"web", `{"host":"no","request":{"host":"h"}}`, layers.Signal{Key: "h", Type: "log", Severity: layers.SeverityInfo, Labels: map[string]string{"team": "shop", "a": "rule"}}},
		{"web", `{"request.host":7}`, layers.Signal{Key: "7", Type: "log", Severity: layers.SeverityInfo, Labels: map[string]string{"team": "shop", "a": "rule"}}},
		{"web", `{"request":7,"host":"h"}`, layers.Signal{Key: "h", Type: "log", Severity: layers.SeverityInfo, Labels: map[string]string{"team": "shop", "a": "rule"}}},
		{
			"web", `{"labels":{"request.host":"l"},"request":{"host":{}}}`,
			layers.Signal{Key: "l", Type: "log", Severity: layers.SeverityInfo, Labels: map[string]string{"team": "shop", "a": "rule", "request.host": "l"}},
		},
		{"web", `{"source":"elsewhere"}`, layers.Signal{Source: "elsewhere", Key: "elsewhere", Type: "other", Labels: map[string]string{"rule": "second"}}},
	} {
		item, err := d.Message(message("hal9.signals."+c.subject, c.data, nil))
		if err != nil {
			t.Fatal(err)
		}
		got := item.Signal
		got.ID, got.Time, got.Data = "", c.want.Time, nil
		if c.want.Source == "" {
			c.want.Source = c.subject
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.data, diff)
		}
	}
}

func TestRuleLabelsAreCopied(t *testing.T) {
	labels := map[string]string{"a": "1"}
	d := newDecoder(t, SourceRule{Match: "*", Labels: labels})
	labels["a"] = "2"
	item, err := d.Message(message("hal9.signals.x", "x", nil))
	if err != nil || item.Signal.Labels["a"] != "1" {
		t.Errorf("%v, %v", item.Signal.Labels, err)
	}
	item.Signal.Labels["a"] = "3"
	if next, _ := d.Message(message("hal9.signals.x", "x", nil)); next.Signal.Labels["a"] != "1" {
		t.Errorf("a signal's labels are the rule's: %v", next.Signal.Labels)
	}
}

func TestConfigValidate(t *testing.T) {
	if cfg := DefaultConfig(); cfg.Validate() != nil || cfg.MaxSignalBytes != 1_200_000 {
		t.Errorf("the default is wrong: %+v, %v", cfg, cfg.Validate())
	}
	cfg := Config{MaxSignalBytes: 5, Sources: []SourceRule{
		{Type: "t"},
		{Match: "a", Key: ".b"},
		{Match: "a", Type: strings.Repeat("t", 257)},
		{Match: "a", Severity: 9},
		{Match: "a", Labels: map[string]string{"l": strings.Repeat("v", 5000)}},
		{Match: "a"},
	}}
	_, err := New(cfg)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"MaxSignalBytes is 5: want 1024 to 67108864", "sources[0]: match is empty", `sources[1]: key is ".b"`, "sources[2]: type has 257",
		"sources[3]: severity is 9", "sources[4]: ", "labels.l", "sources[5]: the rule says nothing",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
}
