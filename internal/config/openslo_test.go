package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/layers/strategic"
)

// shopGoals are those of testdata/openslo/checkout.yaml.
func shopGoals() []strategic.Objective {
	return []strategic.Objective{
		{
			Name: "checkout-fast", Description: "requests of the checkout that take less than 300 ms", From: "signals", Target: 0.995,
			Window: 28 * day, Total: `source == "shop" && type == "latency"`, Good: "value < 300.0", MinBad: 10,
		},
		{Name: "few-criticals", From: "situations", Target: 0.9, Window: 30 * day, Total: `event == "opened"`, Good: "severity < critical"},
	}
}

func TestOpenSLOIsRead(t *testing.T) {
	t.Parallel()
	got, err := LoadOpenSLO("testdata/openslo/checkout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(shopGoals(), got); diff != "" {
		t.Errorf("objectives (-want +got):\n%s", diff)
	}
}

// TestOpenSLOIsWritten compares with a golden file (go test -update writes it) and reads it back.
func TestOpenSLOIsWritten(t *testing.T) {
	t.Parallel()
	all := append(shopGoals(), strategic.BuiltIn()...)
	all = append(all, strategic.Objective{Name: "odd: \"name\"", Target: 1 / 3.0, Window: 36*time.Hour + 90*time.Minute, Total: "true", Good: "key == \"---\"\n|| true"})
	text, err := FormatOpenSLO(all)
	if err != nil {
		t.Fatal(err)
	}
	goldentest.Check(t, "testdata/openslo/written.golden", string(text))
	back, err := ParseOpenSLO("back", text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	section, err := FormatObjectives(all)
	if err != nil {
		t.Fatal(err)
	}
	file, err := Parse("section", section)
	if diff := cmp.Diff(all, file.Objectives); err != nil || diff != "" {
		t.Errorf("as a section: %v (-want +got):\n%s", err, diff)
	}
}

func TestOpenSLORefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	_, err := LoadOpenSLO("testdata/openslo/refused.yaml")
	if err == nil {
		t.Fatal("no error")
	}
	goldentest.Check(t, "testdata/openslo/refused.golden", err.Error()+"\n")
}

func TestObjectivesFromFiles(t *testing.T) {
	t.Parallel()
	text := "objectives_from: [openslo/checkout.yaml]\nobjectives:\n  - {name: own, target: 0.9, window: 1d, total: \"true\", good: \"true\"}\n"
	file, err := Parse(filepath.Join("testdata", "hal9.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Objectives) != 3 || file.Objectives[1].Name != "checkout-fast" {
		t.Errorf("%+v", file.Objectives)
	}
	for text, want := range map[string]string{
		"objectives_from: [nothing.yaml]":                                 "hal9.yaml:1:19: objectives_from[0]: testdata/nothing.yaml does not exist",
		"objectives_from: [openslo]":                                      "testdata/openslo is no file",
		"objectives_from: ['']":                                           "objectives_from[0]: is empty",
		"objectives_from: [openslo/refused.yaml]":                         `testdata/openslo/refused.yaml:1:13: apiVersion: "openslo/v1alpha": want openslo/v1`,
		"objectives_from: [openslo/checkout.yaml, openslo/checkout.yaml]": `objectives_from[1]: "checkout-fast" is the name of another objective, too`,
	} {
		if _, err := Parse(filepath.Join("testdata", "hal9.yaml"), []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

// FuzzOpenSLO reads any bytes: objectives that are written and read back the same, or problems within the file.
func FuzzOpenSLO(f *testing.F) {
	for _, name := range []string{"checkout.yaml", "refused.yaml", "written.golden"} {
		data, err := os.ReadFile(filepath.Join("testdata", "openslo", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("---\n---\n# nothing\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		objectives, err := ParseOpenSLO("x", data)
		if err == nil {
			text, err := FormatOpenSLO(objectives)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := ParseOpenSLO("back", text); err != nil || len(back) != len(objectives) {
				t.Errorf("%v: %d of %d read back from\n%s", err, len(back), len(objectives), text)
			}
			return
		}
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			t.Fatalf("%T is no join: %v", err, err)
		}
		lines := strings.Count(string(data), "\n") + 1
		for _, one := range joined.Unwrap() {
			if problem, ok := errors.AsType[*Problem](one); !ok || problem.Line < 1 || problem.Line > lines || problem.Message == "" {
				t.Errorf("outside of the %d lines: %v", lines, one)
			}
		}
	})
}
