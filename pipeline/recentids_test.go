package pipeline

import (
	"encoding/base64"
	"testing"
)

func TestRecentIDsForgetTheOldest(t *testing.T) {
	const limit = 4
	r := newRecentIDs(limit)
	if r.first() != 0 || (*recentIDs)(nil).first() != 0 {
		t.Error("there is a first message where there is no identity")
	}
	for i := uint64(1); i <= 3*limit+1; i++ {
		if !r.add(i, 100+i) {
			t.Fatalf("identity %d is not new", i)
		}
		oldest := uint64(1)
		if i > limit {
			oldest = i - limit + 1
		}
		if got := r.first(); got != 100+oldest {
			t.Fatalf("after identity %d the first message is %d, want %d", i, got, 100+oldest)
		}
		for known := oldest; known <= i; known++ {
			if r.add(known, 999) {
				t.Fatalf("after identity %d: %d is new again", i, known)
			}
		}
		if len(r.known) > limit || len(r.ring) > limit {
			t.Fatalf("%d identities, %d in the ring, the limit is %d", len(r.known), len(r.ring), limit)
		}
	}
	if !r.add(1, 200) {
		t.Error("the oldest is still known")
	}
}

func TestReadHead(t *testing.T) {
	r := newRecentIDs(10)
	a, b, c := identityOf("test", "a"), identityOf("test", "b"), identityOf("test", "c")
	r.readHead(headOf(5, &a, &b))
	r.readHead(headOf(6, &b, &c))
	for _, header := range []map[string][]string{
		nil,
		{HeaderIDs: {}},
		{HeaderIDs: {""}},
		{HeaderIDs: {"%%%"}},
		{HeaderIDs: {base64.RawStdEncoding.EncodeToString(make([]byte, idBytes-1))}},
	} {
		r.readHead(&Delivery{Seq: 7, Header: header})
	}
	if len(r.ring) != 3 || r.ring[1].seq != 5 || r.ring[2].seq != 6 {
		t.Fatalf("identities %v, want two from message 5 and one from 6", r.ring)
	}
	f := filter{ids: r}
	for _, who := range []identity{a, b, c} {
		if f.fresh(Sender{Layer: 1}, Position{Seq: 1}, &who, 8) {
			t.Error("a signal that a head names passes again")
		}
	}
	if d := identityOf("test", "d"); !f.fresh(Sender{Layer: 1}, Position{Seq: 1}, &d, 8) {
		t.Error("a signal that no head names does not pass")
	}
	cut := headOf(1, &a).Header[HeaderIDs][0] + "AAAA"
	if ids := IdentitiesIn(map[string][]string{HeaderIDs: {cut}}); len(ids) > 1 {
		t.Errorf("a piece of an identity is taken for one: %q", ids)
	}
}
