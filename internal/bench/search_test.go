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
	r, err := searchAmong(t.Context(), h, 100, func(int) {})
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

// TestResidentMemory touches so much memory that what else the process does is small beside it.
func TestResidentMemory(t *testing.T) {
	const bytes = 256 << 20
	before := residentMemory()
	if before == 0 {
		t.Skip("this system does not say how much memory a process holds")
	}
	held := make([]byte, bytes)
	for i := 0; i < len(held); i += 1024 {
		held[i] = 1
	}
	got := residentMemory() - before
	if held[1024] != 1 || got < 0.9*bytes || got > 1.1*bytes {
		t.Errorf("%d bytes more are seen as %.0f", bytes, got)
	}
}
