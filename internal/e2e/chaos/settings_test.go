package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// settings say how hard a run is. The environment decides, the defaults are those of `go test`, or of
// `make chaos` where CHAOS=long.
type settings struct {
	long       bool
	seed       int
	signals    int
	partitions int            // of each keyed layer
	replicas   int            // of each layer between the faults; 0: one or two
	faults     map[string]int // how many of each kind
	same       map[string]int // those of the run that is compared with a calm one
	cluster    map[string]int // those of the run on three servers
	freeze     time.Duration  // how long a process is frozen at least; a lease lasts 5 s
	keep       bool           // keep the folder of a run that passed
}

// fixedSeed is that of `go test`: the same faults in every run.
const fixedSeed = 20260301

const clusterFaults = "CHAOS_CLUSTER_FAULTS"

func readSettings(t *testing.T) settings {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes a minute; go test -short leaves it out")
	}
	s := settings{
		long: os.Getenv("CHAOS") == "long", seed: fixedSeed, signals: 20_000, partitions: 6,
		faults:  map[string]int{kindKill: 2, kindServer: 1, kindBoth: 1, kindRolling: 1, kindScale: 1},
		same:    map[string]int{kindRescale: 2, kindKill: 1},
		cluster: map[string]int{kindNode: 1},
		freeze:  8 * time.Second, keep: os.Getenv("CHAOS_KEEP") != "",
	}
	if s.long {
		s.seed, s.signals = rand.IntN(1_000_000_000), 1_000_000
		s.faults = map[string]int{kindKill: 30, kindServer: 8, kindBoth: 6, kindFreeze: 6, kindRolling: 4, kindScale: 6}
		s.same = map[string]int{kindRescale: 10, kindKill: 6, kindRolling: 1, kindServer: 2}
		s.cluster = map[string]int{kindNode: 3, kindCut: 2, kindKill: 4, kindRolling: 1}
	}
	s.seed = number(t, "CHAOS_SEED", s.seed)
	s.signals = number(t, "CHAOS_SIGNALS", s.signals)
	s.partitions = number(t, "CHAOS_PARTITIONS", s.partitions)
	s.replicas = number(t, "CHAOS_REPLICAS", s.replicas)
	if text := os.Getenv("CHAOS_FREEZE"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			t.Fatalf("CHAOS_FREEZE=%s: want a duration such as 40s", text)
		}
		s.freeze = d
	}
	for name, faults := range map[string]*map[string]int{
		"CHAOS_FAULTS": &s.faults, "CHAOS_SAME_FAULTS": &s.same, clusterFaults: &s.cluster,
	} {
		if text := os.Getenv(name); text != "" {
			*faults = parseFaults(t, name, text)
		}
	}
	if s.signals < 1 || s.signals > signalsMax || s.partitions < 1 {
		t.Fatalf("%d signals in %d partitions: want 1 to %d signals and at least 1 partition", s.signals, s.partitions, signalsMax)
	}
	return s
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%s: want a whole number", name, text)
	}
	return n
}

// parseFaults reads "kill:10,server:2,freeze"; a kind alone counts once, "none" is none. A cluster
// has faults of its own in place of those of a server alone.
func parseFaults(t *testing.T, name, text string) map[string]int {
	t.Helper()
	faults := map[string]int{}
	for word := range strings.SplitSeq(text, ",") {
		kind, count, _ := strings.Cut(strings.TrimSpace(word), ":")
		if kind == "none" || kind == "" {
			continue
		}
		n, err := strconv.Atoi(count)
		if count == "" {
			n, err = 1, nil
		}
		other := []string{kindNode, kindCut}
		if name == clusterFaults {
			other = []string{kindServer, kindBoth}
		}
		kinds := slices.DeleteFunc(faultKinds(), func(kind string) bool { return slices.Contains(other, kind) })
		if !slices.Contains(kinds, kind) || err != nil || n < 0 || n > 1000 {
			t.Fatalf("%s: %q is no kind of fault with a count: want %s", name, word, strings.Join(kinds, ", "))
		}
		faults[kind] += n
	}
	return faults
}

// String is how the same run is started again.
func (s settings) String() string {
	return fmt.Sprintf("CHAOS_SEED=%d CHAOS_SIGNALS=%d CHAOS_FAULTS=%s CHAOS_SAME_FAULTS=%s CHAOS_CLUSTER_FAULTS=%s CHAOS_PARTITIONS=%d CHAOS_REPLICAS=%d CHAOS_FREEZE=%s",
		s.seed, s.signals, faultText(s.faults), faultText(s.same), faultText(s.cluster), s.partitions, s.replicas, s.freeze)
}

func faultText(faults map[string]int) string {
	var words []string
	for _, kind := range faultKinds() {
		if n := faults[kind]; n > 0 {
			words = append(words, fmt.Sprintf("%s:%d", kind, n))
		}
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ",")
}
