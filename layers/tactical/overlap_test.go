package tactical

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// scan is what overlapIndex must find, by looking at everything.
func scan(described map[uint64]*description, wanted *description, least float64, limit int) []hit {
	hits := []hit{}
	a := features(wanted)
	for number, d := range described {
		b := features(d)
		if s := similarity(a, weigh(a), b, weigh(b)); s >= least {
			hits = append(hits, hit{number, s})
		}
	}
	slices.SortFunc(hits, better)
	return hits[:min(limit, len(hits))]
}

// describeRandom draws a description from a small vocabulary, so that many are alike.
func describeRandom(random *rand.Rand) *description {
	words := strings.Fields("disk full slow login failed refused timeout checksum replica lag burst outlier memory leak")
	var title []string
	for range random.IntN(6) {
		title = append(title, words[random.IntN(len(words))])
	}
	s := &layers.Situation{
		Title: strings.Join(title, " "), Severity: layers.Severity(random.IntN(6)),
		Key: fmt.Sprintf("%s-%d", []string{"db", "web", "queue"}[random.IntN(3)], random.IntN(4)),
	}
	for range random.IntN(4) {
		s.Entities = append(s.Entities, layers.Entity{Name: fmt.Sprintf("node-%d", random.IntN(5))})
	}
	d := describe(s, "")
	return &d
}

func TestIndexFindsWhatAScanFinds(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	recurring := []*description{describeRandom(random), describeRandom(random), describeRandom(random)}
	draw := func() *description {
		if random.IntN(3) == 0 {
			return recurring[random.IntN(len(recurring))]
		}
		return describeRandom(random)
	}
	for _, least := range []float64{0.05, 0.3, 0.5, 0.8, 1} {
		x := newOverlapIndex()
		described := map[uint64]*description{}
		for number := range uint64(600) {
			d := draw()
			x.Add(number, d)
			described[number] = d
			if number%3 == 2 {
				gone := random.Uint64N(number)
				x.Remove(gone)
				delete(described, gone)
			}
			wanted, limit := draw(), 1+random.IntN(5)
			got := x.Nearest(newQuery(wanted), limit, least)
			if diff := cmp.Diff(scan(described, wanted, least, limit), got, cmp.AllowUnexported(hit{})); diff != "" {
				t.Fatalf("%d entries, at least %v, nearest %d of %+v (-scan +index):\n%s", len(described), least, limit, wanted, diff)
			}
		}
	}
}

func TestIndexKeepsNothingOfWhatIsRemoved(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	x := newOverlapIndex()
	for number := range uint64(100) {
		x.Add(number, describeRandom(random))
	}
	for number := range uint64(100) {
		x.Remove(99 - number)
	}
	x.Remove(5)
	if len(x.entries)+len(x.shapes)+len(x.common)+len(x.named) > 0 {
		t.Errorf("%d entries, %d shapes and %d lists are left", len(x.entries), len(x.shapes), len(x.common)+len(x.named))
	}
}

func TestFeaturesWeighOneMillion(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		d := describeRandom(random)
		want := uint32(1_000_000)
		if len(d.Words) == 0 {
			want -= weightWords
		}
		all := features(d)
		if got := weigh(all); got != want {
			t.Fatalf("%+v weighs %d: want %d", d, got, want)
		}
		if !slices.IsSortedFunc(all, func(a, b feature) int {
			if a.id < b.id {
				return -1
			}
			return 1
		}) {
			t.Fatalf("features of %+v are not ordered, each once", d)
		}
	}
}

func TestTokens(t *testing.T) {
	tests := []struct{ text, want string }{
		{"Disk FULL on db-17", "disk full on db #"},
		{"GET /v1/orders/9f3c: 503", "get v# orders # #"},
		{"pod7f9c.svc_a <*> 17.5%", "pod# svc a # #"},
		{"Überlauf ÄÖ", "überlauf äö"},
		{"\xff\xfe broken", "broken"},
		{"", ""},
	}
	for _, test := range tests {
		if got := strings.Join(tokens(test.text), " "); got != test.want {
			t.Errorf("tokens of %q are %q: want %q", test.text, got, test.want)
		}
	}
}

func TestApart(t *testing.T) {
	for seconds, want := range map[int64]string{
		0: "at the same time", 59: "at the same time", 60: "1 min earlier", 7199: "119 min earlier", 7200: "2 h earlier",
		48 * 3600: "2 days earlier", -3 * 3600: "3 h later",
	} {
		if got := apart(seconds); got != want {
			t.Errorf("%d s apart is %q: want %q", seconds, got, want)
		}
	}
}
