package emergency

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/2lab-ai/hal9/internal/kube"
)

// role reads the rights of the Role that the documentation gives.
func role(t *testing.T) (rights []kube.Right) {
	t.Helper()
	text, err := os.ReadFile("../../docs/emergency.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	block, _, _ := strings.Cut(rest, "```")
	var document struct {
		Kind  string
		Rules []struct {
			APIGroups []string `yaml:"apiGroups"`
			Resources []string
			Verbs     []string
		}
	}
	if err := yaml.Unmarshal([]byte(block), &document); err != nil || document.Kind != "Role" {
		t.Fatalf("%v in\n%s", err, block)
	}
	for _, rule := range document.Rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				rights = append(rights, kube.Right{Verb: verb, Group: rule.APIGroups[0], Resource: resource})
			}
		}
	}
	return rights
}

// TestRightsAreThoseOfTheRole holds that whoever has the documented Role has all that is asked for.
func TestRightsAreThoseOfTheRole(t *testing.T) {
	t.Parallel()
	documented := role(t)
	for _, right := range Rights() {
		if !slices.Contains(documented, right) {
			t.Errorf("the Role in docs/emergency.md lacks %s of %s.%s", right.Verb, right.Resource, right.Group)
		}
	}
}

// TestWhatIsReadIsAskedFor has kubectl write down which lists are read, and requires that the right to each is asked for.
func TestWhatIsReadIsAskedFor(t *testing.T) {
	calls := filepath.Join(t.TempDir(), "calls")
	program := filepath.Join(t.TempDir(), "kubectl")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nwhile [ \"$1\" != json ]; do shift; done\necho \"$2\" >> "+calls+"\necho '{}'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := kube.NewClient()
	c.Program = program
	if _, err := Read(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Scene(t.Context()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	lists := 0
	for kind := range strings.FieldsFuncSeq(string(data), func(r rune) bool { return r == ',' || r == '\n' }) {
		name, group, _ := strings.Cut(kind, ".")
		if name == "events" { // It does without.
			continue
		}
		lists++
		right := kube.Right{Verb: "list", Group: group, Resource: strings.TrimSuffix(name, "s") + "s"}
		if !slices.Contains(Rights(), right) {
			t.Errorf("%s is read, and the right %+v not asked for", kind, right)
		}
	}
	if lists != 7 {
		t.Errorf("%d lists are read, want 7:\n%s", lists, data)
	}
}
