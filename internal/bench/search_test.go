package bench

import "testing"

// TestSearchAmong looks at the recall, since times mean nothing in a test: it fails where the index finds the wrong ones, or where
// the scan that it is compared with does not see what was added and forgotten.
func TestSearchAmong(t *testing.T) {
	all, _ := loadVectors(3_000)
	h := holdOut(all, 400)
	if h.kept.len() != 2_600 || h.out.len() != 400 {
		t.Fatalf("%d kept and %d held out of 3,000", h.kept.len(), h.out.len())
	}
	r, err := searchAmong(t.Context(), h, 100)
	if err != nil {
		t.Fatal(err)
	}
	if r.recall < .97 || r.recall > 1 {
		t.Errorf("recall %v, want .97 to 1", r.recall)
	}
	if r.search.p50 <= 0 || r.add.p50 <= 0 || r.scan.p50 <= 0 || r.build <= 0 {
		t.Errorf("not everything was measured: %+v", r)
	}
}
