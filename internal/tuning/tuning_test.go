package tuning

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// say makes an opinion, each a second after the one before.
func say(i int, id, key string, opinion Opinion) Feedback {
	return Feedback{ID: id, Source: "web", Key: key, Opinion: opinion, Author: "ann", At: noon.Add(time.Duration(i) * time.Second)}
}

func TestSensitivityMovesByOneStep(t *testing.T) {
	t.Parallel()
	noise := []Feedback{say(1, "a", "db", OpinionNoise), say(2, "b", "db", OpinionNoise), say(3, "c", "db", OpinionNoise)}
	useful := []Feedback{say(1, "a", "db", OpinionUseful), say(2, "b", "db", OpinionUseful), say(3, "c", "db", OpinionUseful)}
	other := say(4, "a", "db", OpinionUseful)
	other.Author = "bob"
	at := func(steps int) layers.Tuning {
		return layers.Tuning{Layer: layers.NameL3, Version: 4, Sensitivities: []layers.Sensitivity{{Source: "*", Key: "db", Steps: steps}}}
	}
	for name, c := range map[string]struct {
		live layers.Tuning
		all  []Feedback
		want []layers.Sensitivity
		none bool
	}{
		"nothing said":              {live: at(2), none: true},
		"three are noise":           {at(2), noise, []layers.Sensitivity{{Source: "*", Key: "db", Steps: 3}}, false},
		"two are":                   {live: at(2), all: noise[:2], none: true},
		"two, said thrice":          {live: at(2), all: append(slices.Clone(noise[:2]), noise[:2]...), none: true},
		"one is disputed":           {live: at(2), all: append(slices.Clone(noise), other), none: true},
		"noise at the bound":        {live: at(layers.TuningMostStep), all: noise, none: true},
		"three are useful":          {at(2), useful, []layers.Sensitivity{{Source: "*", Key: "db", Steps: 1}}, false},
		"useful, as configured":     {live: layers.Tuning{Layer: layers.NameL3}, all: useful, none: true},
		"useful, back to nothing":   {at(1), useful, []layers.Sensitivity{}, false},
		"one was missed":            {layers.Tuning{Layer: layers.NameL3}, []Feedback{say(1, "s", "db", OpinionMissed)}, []layers.Sensitivity{{Source: "web", Key: "db", Steps: -1}}, false},
		"a source's own before *":   {at(2), []Feedback{say(1, "s", "db", OpinionMissed)}, []layers.Sensitivity{{Source: "web", Key: "db", Steps: -1}, {Source: "*", Key: "db", Steps: 2}}, false},
		"labels are not about it":   {live: at(2), all: []Feedback{say(1, "a", "db", OpinionIs)}, none: true},
		"what was said before that": {live: at(2), all: noise, none: true},
	} {
		since := time.Time{}
		if strings.HasPrefix(name, "what was said before") {
			since = noon.Add(time.Second)
		}
		before := fmt.Sprint(c.live)
		got := Sensitivity(&c.live, since, c.all)
		if fmt.Sprint(c.live) != before {
			t.Errorf("%s: the live version was changed", name)
		}
		if (got == nil) != c.none {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		if got == nil {
			continue
		}
		if diff := cmp.Diff(c.want, got.Sensitivities); diff != "" || got.Version != c.live.Version+1 || len(got.Why) != 1 {
			t.Errorf("%s: version %d, why %q (-want +got)\n%s", name, got.Version, got.Why, diff)
		}
	}
}

// TestProposalsAreBounded says that everything is noise, again and again.
func TestProposalsAreBounded(t *testing.T) {
	t.Parallel()
	live := layers.Tuning{Layer: layers.NameL3}
	for round := range 200 {
		var all []Feedback
		for key := range 30 {
			for k := range 3 {
				all = append(all, say(k, fmt.Sprintf("s%d-%d-%d", round, key, k), fmt.Sprintf("key-%d", key), OpinionNoise))
			}
		}
		next := Sensitivity(&live, time.Time{}, all)
		if next == nil {
			break
		}
		if len(next.Why) > changesMost || next.Version != live.Version+1 {
			t.Fatalf("%d changes at once", len(next.Why))
		}
		live = *next
	}
	if err := live.Validate(); err != nil || len(live.Sensitivities) != 30 {
		t.Errorf("%d keys: %v", len(live.Sensitivities), err)
	}
	for _, s := range live.Sensitivities {
		if s.Steps != layers.TuningMostStep {
			t.Errorf("%s stands at %d", s.Key, s.Steps)
		}
	}
}

// TestOrderOfReadingDoesNotMatter derives the same from shuffled opinions.
func TestOrderOfReadingDoesNotMatter(t *testing.T) {
	t.Parallel()
	var all []Feedback
	for i := range 60 {
		f := say(i, fmt.Sprint("s", i), fmt.Sprint("key-", i%7), []Opinion{OpinionNoise, OpinionUseful, OpinionMissed, OpinionIs, OpinionIsNot}[i%5])
		f.Label, f.Features = "memory", []string{fmt.Sprint("word", i%3), "all"}
		if f.Opinion == OpinionIs {
			f.Features = []string{"all", "memory"}
		}
		all = append(all, f)
	}
	l3, l2 := &layers.Tuning{Layer: layers.NameL3}, &layers.Tuning{Layer: layers.NameL2}
	want := [2]*layers.Tuning{Sensitivity(l3, time.Time{}, all), Neurons(l2, time.Time{}, all, nil)}
	if want[0] == nil || want[1] == nil {
		t.Fatalf("nothing is derived: %+v", want)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		got := [2]*layers.Tuning{Sensitivity(l3, time.Time{}, all), Neurons(l2, time.Time{}, all, nil)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
	}
}

func label(i int, is Opinion, text string) Feedback {
	f := say(i, fmt.Sprint("w", i), "app", is)
	f.Label, f.Features = "memory", Features(&layers.Verdict{Template: text})
	return f
}

func TestNeuronTellsExamplesApart(t *testing.T) {
	t.Parallel()
	all := []Feedback{
		label(1, OpinionIs, "worker <*> ran out of memory"), label(2, OpinionIs, "heap memory exhausted"), label(3, OpinionIs, "memory limit of pod reached"),
		label(4, OpinionIsNot, "memory is fine"),
	}
	background := [][]string{{"request", "handled"}, {"pod", "started"}, {"limit", "raised"}}
	live := &layers.Tuning{Layer: layers.NameL2, Version: 7}
	got := Neurons(live, time.Time{}, all, background)
	if got == nil || got.Version != 8 || len(got.Neurons) != 1 || len(got.Why) != 1 {
		t.Fatalf("%+v", got)
	}
	n := got.Neurons[0]
	fires := func(text string) bool {
		sum := 0.0
		for _, feature := range Features(&layers.Verdict{Template: text}) {
			sum += n.Weights[feature]
		}
		return sum >= n.Threshold
	}
	for text, want := range map[string]bool{
		"worker <*> ran out of memory": true, "heap memory exhausted": true, "heap memory exhausted again": true, "memory is fine": false, "pod started": false, "": false,
	} {
		if fires(text) != want {
			t.Errorf("%q fires: %v; %+v", text, !want, n)
		}
	}
	if again := Neurons(got, time.Time{}, all, background); again != nil {
		t.Errorf("the same examples make another version: %+v", again.Neurons)
	}
	if Neurons(live, noon.Add(time.Hour), all, background) != nil {
		t.Error("what was said before the live version makes another one")
	}
	if Neurons(live, time.Time{}, all[:2], background) != nil {
		t.Error("two examples are enough")
	}
	same := []Feedback{label(1, OpinionIs, "a b"), label(2, OpinionIs, "a b c"), label(3, OpinionIs, "a"), label(4, OpinionIsNot, "a")}
	if got := Neurons(live, time.Time{}, same, nil); got != nil {
		t.Errorf("what can't be told apart is learnt: %+v", got.Neurons)
	}
}

func TestFeedbackIsChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Feedback){
		"no id": func(f *Feedback) { f.ID = "" }, "no author": func(f *Feedback) { f.Author = "" }, "two lines": func(f *Feedback) { f.Author = "a\nb" },
		"a long note": func(f *Feedback) { f.Note = strings.Repeat("x", maxNote+1) }, "no opinion": func(f *Feedback) { f.Opinion = "great" },
		"no label":              func(f *Feedback) { f.Opinion, f.Features = OpinionIs, []string{"a"} },
		"nothing to learn from": func(f *Feedback) { f.Opinion, f.Label = OpinionIs, "a" },
	} {
		f := say(1, "a", "db", OpinionNoise)
		if err := f.Validate(); err != nil {
			t.Fatal(err)
		}
		if change(&f); f.Validate() == nil {
			t.Errorf("%s is fine", name)
		}
	}
}

func FuzzFeatures(f *testing.F) {
	f.Add("worker <*> ran out of memory, 5MB")
	f.Fuzz(func(t *testing.T, text string) {
		list := Features(&layers.Verdict{Template: text, Severity: layers.SeverityError})
		if len(list) > maxFeatures || !slices.IsSorted(list) {
			t.Errorf("%q", list)
		}
	})
}
