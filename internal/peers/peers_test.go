package peers

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

const (
	rounds  = 3
	signals = 20_000 // of one peer in one round
	alone   = 300    // signals sent one at a time by one peer in one round
)

// figures are what a peer reached in each round.
type figures struct {
	perSecond, ofHAL9 []float64
	cpu               []time.Duration // for one signal through all stages
	median            []time.Duration // of the propagation of one signal alone
}

// TestPeers runs the job through every peer, round by round so that noise of the machine hits all
// of them, and prints one table. It fails when a peer loses a signal, or brings one twice that promised not
// to; no figure makes it fail.
func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	peers := []peer{
		hal9(), bareLoop(t),
		watermillRouter(t, 1), watermillRouter(t, 64),
		benthosStreams(t, 1, 1024), benthosStreams(t, 256, 8),
	}
	results := make([]figures, len(peers))
	for round := range rounds {
		for i := range peers {
			name := fmt.Sprintf("round %d/%s/", round+1, peers[i].name)
			t.Run(name+"one at a time", func(t *testing.T) {
				took := peers[i].propagation(t, alone)
				slices.Sort(took)
				results[i].median = append(results[i].median, took[len(took)/2])
			})
			t.Run(name+"all at once", func(t *testing.T) {
				perSecond, cpu := peers[i].throughput(t, signals)
				results[i].perSecond = append(results[i].perSecond, perSecond)
				results[i].cpu = append(results[i].cpu, cpu)
			})
			if len(results[i].perSecond) <= round || len(results[i].median) <= round {
				t.Fatalf("%s did not finish round %d", peers[i].name, round+1)
			}
			results[i].ofHAL9 = append(results[i].ofHAL9, results[i].perSecond[round]/results[0].perSecond[round])
		}
	}
	printTable(peers, results)
}

func printTable(peers []peer, results []figures) {
	fmt.Printf("\nFive stages, %d signals of %d bytes, one embedded server, file storage, R1; medians of %d rounds:\n\n",
		signals, signalSize, rounds)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "system\tversion\tsignals/s\tof HAL9\tCPU per signal\tp50 one at a time\tpromise")
	for i, r := range results {
		fmt.Fprintf(out, "%s\t%s\t%.0f\t%.2f\t%s\t%s\t%s\n", peers[i].name, peers[i].version,
			median(r.perSecond), median(r.ofHAL9), micros(median(r.cpu)), micros(median(r.median)), peers[i].promise)
	}
	out.Flush()
	fmt.Println()
}

func micros(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }

func median[T float64 | time.Duration](list []T) T {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// version returns the version of a module from go.mod: the build information of a test is empty.
func version(t *testing.T, module string) string {
	t.Helper()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == module {
			return words[1]
		}
	}
	t.Fatalf("go.mod does not require %s", module)
	return ""
}
