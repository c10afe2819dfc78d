package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse reads any bytes: a configuration, or problems that each stand within the file.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(paths, "testdata/example.yaml") {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("a: &a [*a]\r\n? [x]\n: {y}\n"))
	f.Add([]byte("\ufeffwindows: {dedup: !!int 5, lateness: !x y}\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := Parse("x", data)
		if err == nil {
			return
		}
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			t.Fatalf("%T is no join: %v", err, err)
		}
		lines := strings.Count(string(data), "\n") + 1
		for _, one := range joined.Unwrap() {
			problem, ok := errors.AsType[*Problem](one)
			if !ok {
				t.Fatalf("%T is no problem: %v", one, one)
			}
			if problem.Line < 1 || problem.Line > lines || problem.Column < 1 || problem.Message == "" {
				t.Errorf("outside of the %d lines: %+v", lines, problem)
			}
		}
	})
}
