package trial

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentation runs the YAML of docs/testing.md, and looks for every key there.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(data), -1)
	if len(blocks) != 1 {
		t.Fatalf("%d blocks of YAML", len(blocks))
	}
	loaded, err := Parse("block", []byte(blocks[0][1]))
	if err != nil {
		t.Fatal(err)
	}
	for i := range loaded.Tests {
		o, err := loaded.Run(t.Context(), example(t), i)
		if err != nil || !o.Passed() {
			t.Errorf("%s: %v %+v", loaded.Tests[i].Name, err, o.Failures)
		}
	}
	for _, of := range []any{Test{}, Signal{}, Verdict{}, Situation{}, Plan{}} {
		for field := range reflect.TypeOf(of).Fields() {
			key := field.Tag.Get("yaml")
			if key != "" && !strings.Contains(string(data), "`"+key+"`") {
				t.Errorf("%T: %s is not described", of, key)
			}
		}
	}
}
