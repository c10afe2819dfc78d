package strategic

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChangesAreSearchedForAgainWhereDaysChange compares what is kept with what is searched for anew.
func TestChangesAreSearchedForAgainWhereDaysChange(t *testing.T) {
	e := &entry{Key: "k", Newest: 1000, First: 1000}
	today := int64(1000)
	check := func(when string) {
		t.Helper()
		if diff := cmp.Diff(e.search(today), e.changes(today)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	for ; today < 1040; today++ {
		for range 10 + 90*(today/1020%2) {
			e.add(today, 0)
		}
		check("a day more")
	}
	if len(e.changes(today)) == 0 {
		t.Fatal("no change was found")
	}
	for range 5000 {
		e.add(1005, 0)
	}
	check("late signals")
	e.add(today, 0)
	if before := &e.changes(today)[0]; before != &e.changes(today)[0] {
		t.Error("the same is searched for twice")
	}
}
