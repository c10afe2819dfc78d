package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers/tactical/nearest"
)

// searched is what one round of searching the index gave.
type searched struct {
	search, add, scan latency
	build             time.Duration // of one addition, while the index grew
	recall            float64
	resident          float64 // bytes of memory that one vector takes in the index, its links included; 0 where the system does not say
}

func (r searched) String() string {
	said := fmt.Sprintf("recall@%d %.4f against the exact scan, an addition that forgets the oldest %s, built at %s ms each",
		memoryHits, r.recall, r.add, number(new(milliseconds(r.build))))
	if r.resident > 0 {
		said += fmt.Sprintf(", %s bytes resident a vector (%d of them its numbers)", grouped(r.resident), dimensions*4)
	}
	return said
}

// index measures rounds among n vectors.
func (s *session) index(ctx context.Context, row *Row, n, rounds int) (searched, string, error) {
	queries := s.scale(memoryQueries)
	all, what := loadVectors(n + 2*queries)
	var got []searched
	for range rounds {
		progress := func(added int) {
			s.say("  %s: %s of %s vectors added", row.ID, grouped(float64(added)), grouped(float64(n)))
		}
		r, err := searchAmong(ctx, holdOut(all, 2*queries), s.scale(memoryScans), progress)
		if err != nil {
			return searched{}, what, err
		}
		got = append(got, r)
		s.say("  %s, round %d of %d, %s vectors: search %s; %s; exact scan %s", row.ID, len(got), rounds, grouped(float64(n)), r.search, r, r.scan)
	}
	return middleOf(got), what, nil
}

// middleOf returns the median of each figure, and the worst recall.
func middleOf(rounds []searched) searched {
	var search, add, scan []latency
	var builds, resident []float64
	worst := rounds[0].recall
	for _, r := range rounds {
		search, add, scan = append(search, r.search), append(add, r.add), append(scan, r.scan)
		builds, worst = append(builds, float64(r.build)), min(worst, r.recall)
		resident = append(resident, r.resident)
	}
	return searched{
		search: medianLatency(search), add: medianLatency(add), scan: medianLatency(scan),
		build: time.Duration(median(builds)), recall: worst, resident: median(resident),
	}
}

// held is vectors to fill an index with, in the order of their series, and others of the same series that it has not seen: every
// second one is added in between the searches, the others are searched for.
type held struct{ kept, out vectors }

// holdOut holds n of the vectors out, drawn evenly.
func holdOut(all vectors, n int) held {
	random := rand.New(rand.NewPCG(2, uint64(all.len())))
	order := random.Perm(all.len())[:n]
	isOut := make(map[int]bool, n)
	h := held{kept: make(vectors, 0, len(all)), out: make(vectors, 0, n*dimensions)}
	for _, i := range order {
		isOut[i] = true
		h.out = append(h.out, all.at(i)...)
	}
	for i := range all.len() {
		if !isOut[i] {
			h.kept = append(h.kept, all.at(i)...)
		}
	}
	return h
}

func (v vectors) vector(i int) *nearest.Vector { return (*nearest.Vector)(v.at(i)) }

// searchAmong fills an index and then searches it, adds to it and has it forget the oldest in turn. Some of the searches are compared with
// exact scans of what is there at that moment.
func searchAmong(ctx context.Context, h held, scans int, progress func(added int)) (searched, error) {
	x, ids, r, err := build(ctx, h.kept, progress)
	if err != nil {
		return searched{}, err
	}
	there := slices.Clone(h.kept) // by position; the oldest is overwritten by what is added
	steps := h.out.len() / 2
	every := max(1, steps/scans)
	var searches, additions, scanned []time.Duration
	right, wanted := 0, 0
	var hits, near []nearest.Hit
	for i := range steps {
		began := time.Now()
		x.Remove(ids[i%len(ids)])
		ids[i%len(ids)], near = x.Add(h.out.vector(2*i), memoryHits, near)
		additions = append(additions, time.Since(began))
		copy(there.at(i%len(ids)), h.out.at(2*i))

		query := h.out.vector(2*i + 1)
		began = time.Now()
		hits = x.Search(query, memoryHits, hits)
		searches = append(searches, time.Since(began))
		if i%every > 0 {
			continue
		}
		began = time.Now()
		exact := scan(there, query[:], memoryHits)
		scanned = append(scanned, time.Since(began))
		wanted += len(exact)
		right += rightOf(hits, exact)
	}
	r.search, r.add, r.scan = latencyOf(searches), latencyOf(additions), latencyOf(scanned)
	r.recall = float64(right) / float64(wanted)
	return r, nil
}

// build fills an index, and says how long an addition took and how much memory came with it.
func build(ctx context.Context, v vectors, progress func(added int)) (x *nearest.Index, ids []uint32, r searched, err error) {
	before := residentMemory()
	x, ids = nearest.New(nearest.DefaultConfig()), make([]uint32, 0, v.len())
	began := time.Now()
	for i := range v.len() {
		if i%1000 == 0 && ctx.Err() != nil {
			return nil, nil, r, context.Cause(ctx)
		}
		if i > 0 && i%memorySituations == 0 { // The next ones take minutes.
			progress(i)
		}
		id, _ := x.Add(v.vector(i), 0, nil)
		ids = append(ids, id)
	}
	n := max(1, v.len())
	r.build = time.Since(began) / time.Duration(n)
	if after := residentMemory(); before > 0 && after > before {
		r.resident = (after - before) / float64(n)
	}
	return x, ids, r, nil
}

// rightOf counts the hits that are as similar as the last of the exact ones; the sums of both may differ in their last digits.
func rightOf(hits []nearest.Hit, exact []near) (right int) {
	for _, h := range hits {
		if h.Similarity >= exact[len(exact)-1].dot-1e-6 {
			right++
		}
	}
	return right
}
