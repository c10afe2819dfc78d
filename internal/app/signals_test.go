package app

import (
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// waits is a Pressure by stage name.
type waits map[string]time.Duration

func (w waits) Report(pipeline.StageKey, time.Duration) {}
func (w waits) Forget(pipeline.StageKey)                {}

func (w waits) Behind(key pipeline.StageKey) time.Duration { return w[key.Name()] }

func TestBehind(t *testing.T) {
	l1 := pipeline.StageKey{Layer: layers.NameL1}.Name()
	for name, c := range map[string]struct {
		waits      waits
		partitions int
		want       time.Duration
	}{
		"nothing waits":            {waits{}, 4, 0},
		"L1":                       {waits{l1: time.Second}, 4, time.Second},
		"one partition of four":    {waits{"L2.01": time.Minute}, 4, 0},
		"half of four":             {waits{"L2.01": time.Minute, "L2.03": time.Second}, 4, time.Second},
		"the only partition":       {waits{"L2.00": time.Second}, 1, time.Second},
		"two of three, and L1":     {waits{l1: time.Second, "L2.00": time.Second, "L2.02": time.Hour}, 3, 2 * time.Second},
		"higher layers hold lower": {waits{"L3.00": time.Minute}, 1, 0},
		"a process without keyed":  {waits{"L2.00": time.Second}, 0, time.Second},
	} {
		if got := behind(c.waits, c.partitions); got != c.want {
			t.Errorf("%s: behind by %s, want %s", name, got, c.want)
		}
	}
}
