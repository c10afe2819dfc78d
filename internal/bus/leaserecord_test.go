package bus

import (
	"context"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// leasesOf returns the leases of a process with a session that holds, and nobody who keeps them.
func leasesOf(t *testing.T, b *Bus, owner string) *Leases {
	t.Helper()
	l, err := b.Leases(t.Context(), owner, layers.NameL3)
	if err != nil {
		t.Fatal(err)
	}
	if l.session, err = l.login(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLeaseIsTakenOnce has two processes claim a stage that both believe to be free, and then both believe to be the first one's.
func TestLeaseIsTakenOnce(t *testing.T) {
	b := served(t)
	first, second := leasesOf(t, b, "first"), leasesOf(t, b, "second")
	seen := uint64(0) // the revision that both know
	claim := func(l *Leases) *ownership {
		_, own := l.claim(t.Context(), &hold{stage: "L3.00", layer: "L3", place: placeClaiming}, grant{session: l.session, revision: seen})
		return own
	}
	for _, l := range []*Leases{first, second} {
		winner, loser := claim(l), claim(map[*Leases]*Leases{first: second, second: first}[l])
		if winner == nil || loser != nil {
			t.Fatalf("at revision %d: the faster one owns it: %t, the other one: %t", seen, winner != nil, loser != nil)
		}
		if winner.epoch <= seen {
			t.Errorf("epoch %d is not above %d", winner.epoch, seen)
		}
		seen = winner.epoch
	}
}

// TestLeaseRecordsAreReplacedByCompareAndSet writes over, removes and buries what somebody else has written meanwhile.
func TestLeaseRecordsAreReplacedByCompareAndSet(t *testing.T) {
	store := leaseStore{served(t).js}
	for name, write := range map[string]func(ctx context.Context, key string, expected uint64) error{
		"put": func(ctx context.Context, key string, expected uint64) error {
			_, err := store.put(ctx, key, leaseRecord{Owner: "late"}, expected, 0)
			return err
		},
		"renew": func(ctx context.Context, key string, expected uint64) error {
			_, err := store.put(ctx, key, memberRecord{Owner: "late"}, expected, LeaseTime)
			return err
		},
		"remove": func(ctx context.Context, key string, expected uint64) error {
			_, err := store.remove(ctx, key, expected)
			return err
		},
		"bury": func(ctx context.Context, key string, expected uint64) error {
			return store.bury(ctx, key[len(memberKeys):], expected)
		},
	} {
		key := memberKeys + name
		before, err := store.put(t.Context(), key, leaseRecord{Owner: "a"}, 0, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		now, err := store.put(t.Context(), key, leaseRecord{Owner: "b"}, before, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(t.Context(), key, before); !isWrongRevision(err) {
			t.Errorf("%s behind revision %d, which is not the last: %v, want to be refused", name, before, err)
		}
		if err := write(t.Context(), key, now); err != nil {
			t.Errorf("%s behind the last revision: %v", name, err)
		}
	}
}
