package implementation

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

func memory() Neuron {
	return Neuron{
		Name: "out-of-memory", Label: "memory", Threshold: 2, Flag: true,
		Weights: map[string]float64{"oom": 2, "killed": 1, "memory": 1, "severity:error": .5, "source:postgres": -1, "label:env=prod": .5, "number:size": 1},
	}
}

// TestNeurons has one neuron, beside another that never fires here, look at signals.
func TestNeurons(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Neurons = []Neuron{{Name: "certificates", Weights: map[string]float64{"certificate": 1, "expired": 1}, Threshold: 2}, memory()}
	for name, c := range map[string]struct {
		signal layers.Signal
		want   float64 // strength, 0 where it does not fire
	}{
		"one word is enough":        {layers.Signal{Text: "kernel: OOM-killer"}, 0.5},
		"words add up":              {layers.Signal{Text: "Killed process 7, OOM"}, 0.6},
		"a word counts once":        {layers.Signal{Text: "killed killed killed"}, 0},
		"not enough":                {layers.Signal{Text: "memory is fine"}, 0},
		"words end where they end":  {layers.Signal{Text: "room2 oomph memory"}, 0},
		"severity and label":        {layers.Signal{Text: "memory", Severity: layers.SeverityError, Labels: map[string]string{"env": "prod"}}, 0.5},
		"another value of a label":  {layers.Signal{Text: "memory", Severity: layers.SeverityError, Labels: map[string]string{"env": "test"}}, 0},
		"a weight below 0":          {layers.Signal{Text: "memory killed", Source: "postgres"}, 0},
		"and enough on top of that": {layers.Signal{Text: "memory killed oom", Source: "postgres"}, 0.6},
		"a number of that name":     {layers.Signal{Text: "memory size=5"}, 0.5},
		"nothing at all":            {layers.Signal{}, 0},
		"behind many other words":   {layers.Signal{Text: strings.Repeat("a b c d e f g h i j k l m n o p ", 100) + "oom"}, 0.5},
		"between quotes and dashes": {layers.Signal{Text: "“OOM”—killed…"}, 0.6},
	} {
		l, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		e := &layers.Envelope{Signal: c.signal}
		d, err := l.Decide(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		var want []layers.Class
		if c.want > 0 {
			want = []layers.Class{{Label: "memory", Strength: c.want, Flags: true}}
		}
		if diff := cmp.Diff(want, e.Findings.Classes); diff != "" {
			t.Errorf("%s: classes (-want +got):\n%s", name, diff)
		}
		if fires := d.Reason == "it looks like memory"; fires != (c.want > 0) || fires && d.Disposition != layers.DispositionEscalated {
			t.Errorf("%s: %s: %s", name, d.Disposition, d.Reason)
		}
	}
}

// TestClassMakesRoutineClimb has a neuron that flags nothing fire on a template that is known.
func TestClassMakesRoutineClimb(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Neurons = []Neuron{{Name: "certificates", Weights: map[string]float64{"expired": 1}, Threshold: 1}}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		e := &layers.Envelope{Signal: layers.Signal{Text: fmt.Sprintf("certificate %d expired", i)}}
		d, err := l.Decide(t.Context(), e)
		if err != nil || d.Disposition != layers.DispositionEscalated || len(e.Findings.Classes) != 1 || e.Findings.Classes[0].Flags {
			t.Errorf("signal %d: %+v, classes %v, %v", i, d, e.Findings.Classes, err)
		}
	}
}

// TestBankSaysWhatItsNeuronsSay compares a bank of random neurons, many of which share dimensions, with each of them alone.
func TestBankSaysWhatItsNeuronsSay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string { return fmt.Sprintf("w%d", random.IntN(400)) }
	var list []Neuron
	for i := range 500 {
		n := Neuron{Name: strconv.Itoa(i), Weights: map[string]float64{}, Threshold: .5 + 2*random.Float64()}
		for range 1 + random.IntN(12) {
			n.Weights[word()] = 2*random.Float64() - .5
		}
		list = append(list, n)
	}
	b, v := NewBank(list), &Vector{}
	fired := 0
	for range 300 {
		words := map[string]bool{}
		for range random.IntN(30) {
			words[word()] = true
		}
		var text strings.Builder
		for w := range words {
			text.WriteString(" " + w)
		}
		v.Read(&layers.Envelope{Signal: layers.Signal{Text: text.String()}})
		b.activate(v)
		for i, n := range list {
			sum := 0.0
			for w, weight := range n.Weights {
				if words[w] {
					sum += weight
				}
			}
			if got := b.neurons[i].activation(v); got < sum-1e-9 || got > sum+1e-9 {
				t.Fatalf("neuron %d on %q: activation %v, want %v", i, text.String(), got, sum)
			}
			if sum >= n.Threshold && float64(b.sums[i]) < n.Threshold*boundSlack {
				t.Fatalf("neuron %d on %q: the bound is %v and the sum %v", i, text.String(), b.sums[i], sum)
			}
			if sum >= n.Threshold {
				fired++
			}
		}
	}
	if fired < 100 {
		t.Errorf("only %d neurons fired: the test says little", fired)
	}
}

func TestStrongestClassesComeFirstAndAreFew(t *testing.T) {
	var list []Neuron
	for i := range 20 {
		list = append(list, Neuron{Name: strconv.Itoa(i), Weights: map[string]float64{"x": float64(1 + i)}, Threshold: 1})
	}
	b, v := NewBank(list), &Vector{}
	v.Read(&layers.Envelope{Signal: layers.Signal{Text: "x"}})
	got := b.Fire(v)
	if len(got) != maxClasses || got[0].Label != "19" || got[1].Label != "18" {
		t.Errorf("classes %v: want the %d strongest, the strongest first", got, maxClasses)
	}
}

// TestClassesAreFewAndFlagsAreKept has many neurons of one label, and weaker ones that flag, fire.
func TestClassesAreFewAndFlagsAreKept(t *testing.T) {
	var list []Neuron
	for i := range 20 {
		list = append(list, Neuron{Name: strconv.Itoa(i), Label: strconv.Itoa(i / 2), Weights: map[string]float64{"x": float64(10 + i)}, Threshold: 1})
	}
	list = append(list, Neuron{Name: "flags", Weights: map[string]float64{"x": 1}, Threshold: 1, Flag: true})
	b, v := NewBank(list), &Vector{}
	v.Read(&layers.Envelope{Signal: layers.Signal{Text: "x"}})
	got := b.Fire(v)
	if last := got[len(got)-1]; len(got) != maxClasses || last.Label != "flags" || !last.Flags || got[0].Label != "9" || got[1].Label != "8" {
		t.Errorf("classes %v: want the strongest of each label, and the one that flags", got)
	}
}

// TestRoundingKeepsNoNeuronFromFiring has weights of which the sum misses the threshold by a bit in some order.
func TestRoundingKeepsNoNeuronFromFiring(t *testing.T) {
	n := Neuron{Name: "n", Weights: map[string]float64{"alpha": .7, "beta": .2, "gamma": .1}, Threshold: 1}
	cfg := DefaultConfig()
	cfg.Neurons = []Neuron{n}
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	for range 50 {
		words := []string{}
		weights := map[string]float64{}
		for _, w := range []float64{.7, .2, .1} {
			word := "w" + strconv.FormatUint(rand.Uint64(), 36)
			words, weights[word] = append(words, word), w
		}
		b, v := NewBank([]Neuron{{Name: "n", Weights: weights, Threshold: 1}}), &Vector{}
		v.Read(&layers.Envelope{Signal: layers.Signal{Text: strings.Join(words, " ")}})
		if len(b.Fire(v)) != 1 {
			t.Errorf("weights that add up to the threshold do not fire: %v", weights)
		}
	}
}

func TestNeuronSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Neuron)
		want   string
	}{
		"no name":            {func(n *Neuron) { n.Name = "" }, "name: want"},
		"no weights":         {func(n *Neuron) { n.Weights = nil }, "weights: want 1 to 128"},
		"no threshold":       {func(n *Neuron) { n.Threshold = 0 }, "threshold is 0: want more than 0"},
		"never":              {func(n *Neuron) { n.Threshold = 100 }, "can never fire"},
		"capitals":           {func(n *Neuron) { n.Weights["OOM"] = 1 }, "weights.OOM: want one word of lower-case"},
		"two words":          {func(n *Neuron) { n.Weights["out of"] = 1 }, "want one word"},
		"capitals elsewhere": {func(n *Neuron) { n.Weights["Ошибка"] = 1 }, "want one word"},
		"a digit first":      {func(n *Neuron) { n.Weights["5xx"] = 1 }, "begins with a letter"},
		"no such severity":   {func(n *Neuron) { n.Weights["severity:bad"] = 1 }, "want severity:debug"},
		"a synonym":          {func(n *Neuron) { n.Weights["severity:fatal"] = 1 }, "want severity:debug"},
		"half a label":       {func(n *Neuron) { n.Weights["label:env"] = 1 }, "want label:name=value"},
		"unknown kind":       {func(n *Neuron) { n.Weights["host:a"] = 1 }, "known kinds"},
		"too heavy":          {func(n *Neuron) { n.Weights["x"] = 1e7 }, "want -1000000"},
	} {
		n := memory()
		c.change(&n)
		cfg := DefaultConfig()
		cfg.Neurons = []Neuron{n}
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v: want %q", name, err, c.want)
		}
	}
}

// FuzzVector reads any signal: its vector must hold each feature once and be the same again.
func FuzzVector(f *testing.F) {
	f.Add("OOM killed\xff process_7 \u00e9t\u00e9", "env", "prod")
	f.Add(strings.Repeat("a1 b2 ", 600), "", "")
	f.Fuzz(func(t *testing.T, text, label, value string) {
		e := &layers.Envelope{Signal: layers.Signal{Text: text, Labels: map[string]string{label: value}, Type: label, Source: value}}
		var used, fresh Vector
		used.Read(&layers.Envelope{Signal: layers.Signal{Text: value + text}})
		used.Read(e)
		fresh.Read(e)
		if diff := cmp.Diff(fresh.values, used.values); diff != "" {
			t.Fatalf("%d features; read again (-fresh +used):\n%s", len(used.features), diff)
		}
		sum := float32(0)
		for _, x := range used.values {
			sum += x
		}
		if int(sum) != len(used.features) {
			t.Fatalf("the vector adds up to %v, with %d features", sum, len(used.features))
		}
	})
}

func BenchmarkBank(b *testing.B) {
	bank, v, dense := benchmarkBank(1000)
	for name, v := range map[string]*Vector{"signal": v, "dense": dense} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bank.Fire(v)
			}
		})
	}
}

// benchmarkBank returns a bank of n neurons with a weight in every dimension, the vector of a log line and one with a
// feature in every dimension.
func benchmarkBank(n int) (*Bank, *Vector, *Vector) {
	byDimension := map[int]string{}
	for i := 0; len(byDimension) < Features; i++ {
		word := fmt.Sprintf("w%d", i)
		byDimension[Dimension(word)] = word
	}
	weights := map[string]float64{}
	var text strings.Builder
	for _, word := range byDimension {
		weights[word] = 1
		text.WriteString(" " + word)
	}
	list := make([]Neuron, n)
	for i := range list {
		list[i] = Neuron{Name: strconv.Itoa(i), Weights: weights, Threshold: 1000}
	}
	line, dense := &Vector{}, &Vector{}
	line.Read(&layers.Envelope{Signal: layers.Signal{
		Source: "web", Severity: layers.SeverityInfo, Text: "request served for user in 35 ms by worker of pool default with status ok",
	}})
	dense.Read(&layers.Envelope{Signal: layers.Signal{Text: text.String()}})
	return NewBank(list), line, dense
}
