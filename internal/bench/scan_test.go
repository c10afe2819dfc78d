package bench

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestScan(t *testing.T) {
	v, what := loadVectors(2_000)
	if v.len() != 2_000 {
		t.Fatalf("%d vectors (%s): want 2,000", v.len(), what)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		query := v.at(random.IntN(v.len()))
		want := make([]near, v.len())
		for i := range want {
			for j, x := range v.at(i) {
				want[i].dot += x * query[j]
			}
			want[i].number = i
		}
		slices.SortStableFunc(want, func(a, b near) int { return cmp.Compare(b.dot, a.dot) })
		got := scan(v, query, 10)
		if len(got) != 10 {
			t.Fatalf("%d hits: want 10", len(got))
		}
		for i := range got {
			if math.Abs(float64(got[i].dot-want[i].dot)) > 1e-4 {
				t.Errorf("hit %d is %v: want %v", i, got[i], want[i])
			}
		}
		if math.Abs(float64(got[0].dot)-1) > 1e-4 {
			t.Errorf("the best hit of a vector that is there is %v: want 1", got[0].dot)
		}
	}
	if got := scan(v[:3*dimensions], v.at(0), 10); len(got) != 3 {
		t.Errorf("%d hits among three: want 3", len(got))
	}
}

func TestReadAll(t *testing.T) {
	for n := range 20 {
		words := make([]uint64, n)
		var want uint64
		for i := range words {
			words[i] = uint64(i * i)
			want += words[i]
		}
		if got := readAll(words); got != want {
			t.Errorf("%d words add up to %d: want %d", n, got, want)
		}
	}
}
