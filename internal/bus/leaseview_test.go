package bus

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// entry is what the bucket says of a session.
func entry(t *testing.T, session string, revision uint64) leaseEntry {
	t.Helper()
	value, err := json.Marshal(memberRecord{Owner: session, Layers: map[string]uint64{layers.NameL3.String(): 0}})
	if err != nil {
		t.Fatal(err)
	}
	return leaseEntry{key: memberKeys + session, revision: revision, value: value}
}

// TestSessionHoldsUntilItMustKnow: a server expires sessions by its own clock, and that one may jump. Whoever is gone counts as an
// owner until its own time is up, whether its end was heard of or happened between two readings.
func TestSessionHoldsUntilItMustKnow(t *testing.T) {
	const session, seen = "all.x-1", 10 * time.Second
	for name, end := range map[string]func(v *leaseView) *leaseView{
		"heard of": func(v *leaseView) *leaseView {
			v.apply(leaseEntry{key: memberKeys + session, revision: 9, gone: true}, seen+time.Millisecond)
			return v
		},
		"between two readings": func(v *leaseView) *leaseView {
			next := newLeaseView()
			next.succeed(v, seen+time.Millisecond)
			return next
		},
	} {
		v := newLeaseView()
		v.apply(entry(t, session, 5), seen-time.Second)
		v.apply(entry(t, session, 7), seen)
		if !v.holds(session, seen+time.Hour) {
			t.Errorf("%s: a session that stands in the bucket holds nothing", name)
		}
		v = end(v)
		if !v.holds(session, seen+leaseValidity-1) || v.holds(session, seen+leaseValidity) {
			t.Errorf("%s: it must hold until %s after it was heard of last, and no longer", name, leaseValidity)
		}
	}
}

// TestSilentSessionsAreThoseOfOthers looks for sessions that were not renewed in time.
func TestSilentSessionsAreThoseOfOthers(t *testing.T) {
	v := newLeaseView()
	v.apply(entry(t, "all.mine-1", 1), 0)
	v.apply(entry(t, "all.silent-1", 2), time.Second)
	v.apply(entry(t, "all.lively-1", 3), time.Second)
	v.apply(entry(t, "all.lively-1", 4), 3*time.Second)
	if got := v.silent(2*time.Second, "all.mine"); len(got) != 1 || got["all.silent-1"] != 2 {
		t.Errorf("silent are %v, want all.silent-1 with its revision 2", got)
	}
}
