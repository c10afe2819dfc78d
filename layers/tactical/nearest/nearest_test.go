package nearest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// exact returns the similarities of the k most similar to v among those that live, by comparing all.
func exact(live map[uint32]*Vector, v *Vector, k int) []float32 {
	all := make([]float32, 0, len(live))
	for _, other := range live {
		all = append(all, Dot(v, other))
	}
	slices.Sort(all)
	slices.Reverse(all)
	return all[:min(k, len(all))]
}

// recall is the share of hits that are as similar as the k-th of all is, over the queries.
func recall(x *Index, live map[uint32]*Vector, queries []Vector, k int) float64 {
	found, wanted := 0, 0
	var hits []Hit
	for i := range queries {
		want := exact(live, &queries[i], k)
		hits = x.Search(&queries[i], k, hits)
		for _, h := range hits {
			if h.Similarity >= want[len(want)-1] {
				found++
			}
		}
		wanted += len(want)
	}
	return float64(found) / float64(wanted)
}

func fill(x *Index, vectors []Vector) map[uint32]*Vector {
	live := map[uint32]*Vector{}
	for i := range vectors {
		id, _ := x.Add(&vectors[i], 0, nil)
		live[id] = &vectors[i]
	}
	return live
}

// TestRecall compares with the exact scan, as the memory is filled and after it forgot the oldest twice over.
func TestRecall(t *testing.T) {
	const n, queries = 2000, 60
	for name, test := range map[string]struct {
		all   []Vector
		least float64
	}{
		"walks":         {walks(3 * n), .97},
		"tight cluster": {clusters(3*n, 30, .1), .95},
		"loose cluster": {clusters(3*n, 30, .4), .95},
		"words":         {words(3 * n), .95},
		"repeats":       {repeats(3*n, 50), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, all, random := New(Config{Links: 16, Breadth: 64}), test.all, rand.New(rand.NewPCG(1, 1))
			live, order := map[uint32]*Vector{}, []uint32(nil)
			for i := range all {
				if len(order) == n {
					x.Remove(order[0])
					delete(live, order[0])
					order = order[1:]
				}
				id, _ := x.Add(&all[i], 0, nil)
				live[id], order = &all[i], append(order, id)
				if i+1 == n || i+1 == 3*n {
					asked := make([]Vector, queries)
					for q := range asked {
						asked[q] = noise(random, all[i-random.IntN(n)], .02)
						asked[q].Normalise()
					}
					got := recall(x, live, asked, 10)
					t.Logf("after %d: recall %.4f", i+1, got)
					if got < test.least {
						t.Errorf("recall@10 after %d additions is %.4f, want %.2f", i+1, got, test.least)
					}
				}
			}
			checkGraph(t, x.graph)
		})
	}
}

// checkGraph checks that links go both ways, once, within their bounds, and only among those that are there, and that codes are those of their vectors.
func checkGraph(tb testing.TB, x *graph) {
	tb.Helper()
	for id := range x.vectors {
		if c, step := x.vectors[id].encode(); x.height[id] >= 0 && (x.codes[id] != c || x.marks[id].step != step) {
			tb.Fatalf("%d has the code of another vector", id)
		}
	}
	for number := range x.levels {
		l := &x.levels[number]
		for id := range x.vectors {
			if int(x.height[id]) < number {
				continue
			}
			links := l.of(uint32(id))
			if len(links) > l.most {
				tb.Fatalf("level %d: %d has %d links of at most %d", number, id, len(links), l.most)
			}
			for i, h := range links {
				switch {
				case int(x.height[h.ID]) < number:
					tb.Fatalf("level %d: %d is linked with %d, which is not on the level", number, id, h.ID)
				case !l.isLinked(h.ID, uint32(id)):
					tb.Fatalf("level %d: %d is linked with %d and not the other way", number, id, h.ID)
				case slices.ContainsFunc(links[:i], func(o Hit) bool { return o.ID == h.ID }):
					tb.Fatalf("level %d: %d is linked with %d twice", number, id, h.ID)
				case h.Similarity != Dot(&x.vectors[id], &x.vectors[h.ID]):
					tb.Fatalf("level %d: %d remembers a wrong similarity to %d", number, id, h.ID)
				}
			}
		}
	}
}

// TestSameCallsBuildTheSameGraph is what lets a replay find what the first run found.
func TestSameCallsBuildTheSameGraph(t *testing.T) {
	build := func() *Index {
		x, all := New(Config{Links: 16, Breadth: 64}), clusters(3000, 10, .3)
		for i := range all {
			x.Add(&all[i], 3, nil)
			if i%3 == 2 {
				x.Remove(uint32(mix(uint64(i)) % uint64(i)))
			}
		}
		return x
	}
	a, b := build(), build()
	// Searching in between changes nothing.
	for _, v := range words(20) {
		b.Search(&v, 5, nil)
	}
	if !cmp.Equal(a.graph.levels, b.graph.levels, cmp.AllowUnexported(level{})) || a.graph.top != b.graph.top {
		t.Error("the same calls built two graphs")
	}
}

// TestAnyCalls compares with what must be there, whatever is added and removed.
func TestAnyCalls(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 9))
		x := New(Config{Links: 2 + random.IntN(8), Breadth: 8 + random.IntN(40), Few: 1 + random.IntN(30)})
		all := slices.Concat(words(60), repeats(60, 3), walks(60))
		live := map[uint32]*Vector{}
		for step := range 600 {
			if random.IntN(100) < 40 || step > 500 { // at last it becomes empty
				id := uint32(random.IntN(len(all)))
				for have := range live {
					id = min(id, have)
				}
				x.Remove(id)
				x.Remove(id)
				delete(live, id)
			} else {
				v := &all[random.IntN(len(all))]
				id, near := x.Add(v, 4, nil)
				if live[id] != nil {
					t.Fatalf("seed %d: id %d was given twice", seed, id)
				}
				if len(near) != min(4, len(live)) {
					t.Fatalf("seed %d: an addition to %d found %d near it, want 4", seed, len(live), len(near))
				}
				live[id] = v
			}
			if x.Len() != len(live) {
				t.Fatalf("seed %d: Len %d, want %d", seed, x.Len(), len(live))
			}
			checkHits(t, x, live, &all[random.IntN(len(all))])
		}
		checkGraph(t, x.graph)
	}
}

// checkHits checks that hits are there, in order, each once, with their similarity.
func checkHits(t *testing.T, x *Index, live map[uint32]*Vector, v *Vector) {
	t.Helper()
	hits := x.Search(v, 5, nil)
	if len(hits) != min(5, len(live)) {
		t.Fatalf("%d hits among %d, want 5", len(hits), len(live))
	}
	for i, h := range hits {
		if live[h.ID] == nil || h.Similarity != Dot(v, live[h.ID]) {
			t.Fatalf("hit %d is %+v, which is not there so", i, h)
		}
		if i > 0 && hits[i-1].Similarity < h.Similarity {
			t.Fatalf("hits %+v and %+v stand in the wrong order", hits[i-1], h)
		}
		if slices.ContainsFunc(hits[:i], func(o Hit) bool { return o.ID == h.ID }) {
			t.Fatalf("%+v was found twice", h)
		}
	}
}

func TestFewAreComparedExactly(t *testing.T) {
	x, all := New(DefaultConfig()), words(DefaultConfig().Few+50)
	live := fill(x, all[:DefaultConfig().Few])
	if got := recall(x, live, all[DefaultConfig().Few:], 10); got != 1 {
		t.Errorf("recall among few is %v, want 1", got)
	}
}

func TestNormalise(t *testing.T) {
	v := Vector{3, 4}
	if !v.Normalise() || math.Abs(float64(v[0])-.6) > 1e-6 || math.Abs(float64(v[1])-.8) > 1e-6 {
		t.Errorf("(3,4) became (%v,%v)", v[0], v[1])
	}
	for _, v := range []Vector{{}, {float32(math.NaN())}, {float32(math.Inf(1))}} {
		if v.Normalise() {
			t.Errorf("%v has a direction", v[0])
		}
	}
}

func BenchmarkDot(b *testing.B) {
	all := words(2)
	for b.Loop() {
		Dot(&all[0], &all[1])
	}
}

// BenchmarkAdd adds to 20,000 and forgets the oldest.
func BenchmarkAdd(b *testing.B) {
	const n = 20_000
	x, all := New(DefaultConfig()), walks(2*n)
	fill(x, all[:n])
	var near []Hit
	at := 0
	for b.Loop() {
		x.Remove(uint32(at % n))
		_, near = x.Add(&all[n+at%n], 10, near)
		at++
	}
}
