package chaos_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// findings are the broken promises of a run, by promise.
type findings struct {
	count map[string]int
	text  map[string][]string // the first of each
	about map[string][]int    // signals that the first are about
}

// textsPerKind is how many violations of one promise are told in full.
const textsPerKind = 12

func newFindings() *findings {
	return &findings{count: map[string]int{}, text: map[string][]string{}, about: map[string][]int{}}
}

// add notes that a promise is broken.
func (f *findings) add(promise, format string, args ...any) {
	f.count[promise]++
	if len(f.text[promise]) < textsPerKind {
		f.text[promise] = append(f.text[promise], fmt.Sprintf(format, args...))
	}
}

// addSignal notes that a promise is broken for a signal; the report will say where the signal lies.
func (f *findings) addSignal(i int, promise, format string, args ...any) {
	f.add(promise, idOf(i)+" "+format, args...)
	if len(f.about[promise]) < textsPerKind {
		f.about[promise] = append(f.about[promise], i)
	}
}

func (f *findings) none() bool { return len(f.count) == 0 }

// signals returns the signals that the texts are about.
func (f *findings) signals() []int {
	var list []int
	for _, promise := range slices.Sorted(maps.Keys(f.about)) {
		list = append(list, f.about[promise]...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// String tells all of it.
func (f *findings) String() string {
	var b strings.Builder
	for _, promise := range slices.Sorted(maps.Keys(f.count)) {
		fmt.Fprintf(&b, "%s: %d\n", promise, f.count[promise])
		for _, text := range f.text[promise] {
			fmt.Fprintf(&b, "    %s\n", text)
		}
		if more := f.count[promise] - len(f.text[promise]); more > 0 {
			fmt.Fprintf(&b, "    and %d more\n", more)
		}
	}
	return b.String()
}
