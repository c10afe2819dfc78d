package simulate

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"
)

// vectors are what Kubernetes' own code answered, as recorded in testdata/hpa.json: functions of v1.37.2's
// pkg/controller/podautoscaler, run on a virtual clock over random behaviours, recommendations and pods.
type vectors struct {
	Source    string `json:"source"`
	Behaviour []struct {
		Min   int        `json:"min"`
		Max   int        `json:"max"`
		Start int        `json:"start"`
		Up    vectorSide `json:"up"`
		Down  vectorSide `json:"down"`
		Steps []struct {
			Wait    int `json:"wait"`
			Desired int `json:"desired"`
			Got     int `json:"got"`
		} `json:"steps"`
	} `json:"behaviour"`
	CPU []struct {
		Pods []struct {
			Age    float64 `json:"age"`
			Ready  float64 `json:"ready"`
			Sample float64 `json:"sample"`
			Usage  float64 `json:"usage"`
		} `json:"pods"`
		Got int `json:"got"`
	} `json:"cpu"`
}

type vectorSide struct {
	Window float64 `json:"window"`
	Rules  []struct {
		Pods    int     `json:"pods"`
		Percent float64 `json:"percent"`
		Period  float64 `json:"period"`
	} `json:"rules"`
}

func (v vectorSide) rules() rules {
	r := rules{window: v.Window}
	for _, p := range v.Rules {
		r.policies = append(r.policies, paceRule{pods: p.Pods, percent: p.Percent, period: p.Period})
	}
	return r
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	data, err := os.ReadFile("testdata/hpa.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil || len(v.Behaviour) < 30 || len(v.CPU) < 300 {
		t.Fatalf("%d behaviours, %d of CPU: %v", len(v.Behaviour), len(v.CPU), err)
	}
	return v
}

// TestBehaviourIsKubernetes: stabilisation, rates and bounds answer what Kubernetes' own code answers.
func TestBehaviourIsKubernetes(t *testing.T) {
	t.Parallel()
	for i, s := range readVectors(t).Behaviour {
		h := &hpa{min: s.Min, max: s.Max, up: s.Up.rules(), down: s.Down.rules()}
		now, current := 0.0, s.Start
		for j, step := range s.Steps {
			now += float64(step.Wait)
			got := h.normalise(now, current, step.Desired)
			if got != step.Got {
				t.Fatalf("behaviour %d, step %d: %d replicas, %d desired: got %d, Kubernetes says %d", i, j, current, step.Desired, got, step.Got)
			}
			if got != current {
				h.note(now, current, got)
			}
			current = got
		}
	}
}

// TestCPUIsKubernetes: so does what CPU asks for, with pods that start and pods without a sample.
func TestCPUIsKubernetes(t *testing.T) {
	t.Parallel()
	h := &hpa{tolerance: defaultTolerance}
	for i, c := range readVectors(t).CPU {
		var pods []sample
		for _, p := range c.Pods {
			pods = append(pods, sample{usage: p.Usage / 1000, age: p.Age, readyAt: p.Ready, taken: p.Sample})
		}
		got, ok := utilisation(pods, len(pods), 60, h.isWithin)
		if !ok {
			got = -1
		}
		if got != c.Got {
			t.Errorf("case %d: got %d, Kubernetes says %d: %+v", i, got, c.Got, c.Pods)
		}
	}
}

// TestPaceIsKept: whatever is asked for, no period sees more pods come or go than the rules allow.
func TestPaceIsKept(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	cfg := DefaultConfig()
	h := newHPA(cfg, KindHAL9)
	counts := []int{} // by second
	current := cfg.Policy.Min
	for second := range 24 * 3600 {
		if second%syncEvery == 0 {
			want := h.normalise(float64(second), current, random.IntN(60))
			if want != current {
				h.note(float64(second), current, want)
				current = want
			}
		}
		counts = append(counts, current)
		if current < cfg.Policy.Min || current > cfg.Policy.Max {
			t.Fatalf("%d replicas", current)
		}
		p := cfg.Policy.Pace
		if before := second - int(p.UpEvery.Seconds()); before >= 0 && current-counts[before] > p.Up {
			t.Fatalf("second %d: %d more within %s", second, current-counts[before], p.UpEvery)
		}
		if before := second - int(p.DownEvery.Seconds()); before >= 0 && counts[before]-current > p.Down {
			t.Fatalf("second %d: %d fewer within %s", second, counts[before]-current, p.DownEvery)
		}
	}
}
