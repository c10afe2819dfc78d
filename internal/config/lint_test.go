package config

import (
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/goldentest"
)

func TestLintWarns(t *testing.T) {
	t.Parallel()
	problems, err := Lint("testdata/lint/never.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var texts strings.Builder
	for i := range problems {
		if !problems[i].Warning {
			t.Errorf("is no warning: %v", &problems[i])
		}
		texts.WriteString(problems[i].Error() + "\n")
	}
	goldentest.Check(t, "testdata/lint/never.txt", texts.String())
}

func TestLintTellsErrors(t *testing.T) {
	t.Parallel()
	problems, err := Lint("testdata/bad/impossible-values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) == 0 {
		t.Fatal("no problems")
	}
	for i := range problems {
		if problems[i].Warning {
			t.Errorf("is only a warning: %v", &problems[i])
		}
	}
	if _, err := Lint("testdata/no.yaml"); err == nil {
		t.Error("no error for a file that does not exist")
	}
}
