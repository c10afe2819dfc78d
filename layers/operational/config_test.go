package operational

import (
	"strings"
	"testing"
	"time"
)

func TestValidateNamesEveryProblem(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the default configuration: %v", err)
	}
	bad := Config{Lateness: -time.Second, SituationGap: 0, MaxKeys: 1, MaxSituations: 0, Threshold: 1.5, OpenThreshold: 0.2}
	_, err := New(bad, true, conditions)
	if err == nil {
		t.Fatal("a configuration of impossible values was accepted")
	}
	for _, want := range []string{
		"Lateness is -1s: want 0s to 24h", "SituationGap is 0s: want", "MaxKeys is 1: want", "MaxSituations is 0: want",
		"Threshold is 1.5: want", "OpenThreshold is 0.2: want at least Threshold",
	} {
		if !strings.Contains(err.Error(), "operational: "+want) {
			t.Errorf("error %q: want %q in it", err, want)
		}
	}
}

func TestLatenessOfZero(t *testing.T) {
	l, s := newLayer(t, func(c *Config) { c.Lateness = 0 }), &sent{}
	at := settle(t, l, s, "web-1", 50)
	if d := decide(t, l, s.value("web-1", at.Add(-2*time.Minute), 41)); !strings.HasPrefix(d.Reason, "late: 1m behind") {
		t.Errorf("reason %q: want it late", d.Reason)
	}
}
