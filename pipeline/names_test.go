package pipeline_test

import (
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestPartitionOfIsThatOfNATS(t *testing.T) {
	// nats-server's {{partition(60,1)}} puts key42 here.
	if got := pipeline.PartitionOf("key42", 60); got != 26 {
		t.Errorf("key42 is in partition %d, want 26", got)
	}
	counts := make([]int, 60)
	for i := range 60_000 {
		key := fmt.Sprint("host-", i)
		h := fnv.New32a()
		_, _ = h.Write([]byte(key))
		got := pipeline.PartitionOf(key, 60)
		if got != int(h.Sum32()%60) {
			t.Fatalf("%s is in partition %d, want %d", key, got, h.Sum32()%60)
		}
		counts[got]++
	}
	for p, n := range counts {
		if n < 800 || n > 1200 {
			t.Errorf("partition %d has %d of 60,000 keys", p, n)
		}
	}
	if pipeline.PartitionOf("", 60) != 0 || pipeline.PartitionOf("x", 1) != 0 {
		t.Error("no key and one partition must mean partition 0")
	}
}

func TestNames(t *testing.T) {
	for want, got := range map[string]string{
		"HAL9_L1":                   pipeline.StreamOf(layers.NameL1, 0, 60),
		"HAL9_L3":                   pipeline.StreamOf(layers.NameL3, 0, 1),
		"HAL9_L3_07":                pipeline.StreamOf(layers.NameL3, 7, 60),
		"l1":                        pipeline.DurableOf(layers.NameL1, 0, 60),
		"l5":                        pipeline.DurableOf(layers.NameL5, 0, 1),
		"l5-11":                     pipeline.DurableOf(layers.NameL5, 11, 12),
		"hal9.signals.>":            pipeline.SubjectOf(layers.NameL1, 0),
		"hal9.l2.7":                 pipeline.SubjectOf(layers.NameL2, 7),
		"hal9.verdicts.L4.resolved": pipeline.SubjectOfVerdict(layers.NameL4, layers.DispositionResolved),
		"hal9.dead.L1":              pipeline.SubjectOfDead(layers.NameL1),
		"L3.07":                     pipeline.StageName(layers.NameL3, 7),
		"a.b":                       pipeline.SourceOf("hal9.signals.a.b"),
	} {
		if got != want {
			t.Errorf("name is %s, want %s", got, want)
		}
	}
}

// seenBefore is the id of signal 1 of source shop as streams hold it: a new way of making ids would
// take every signal under way for a new one.
const seenBefore = "ni51N2akBsNDZmOB81p7_Q"

func TestSignalIDTellsSourceAndIDApart(t *testing.T) {
	seen := map[string]string{}
	for _, c := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"", "abc"}, {"abc", ""}, {"1:a", "b"}, {"a", "1:b"}, {"3:a", "bc"}} {
		id := pipeline.SignalID(c[0], c[1])
		if len(id) != 22 {
			t.Errorf("id %q has %d characters, want 22", id, len(id))
		}
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %s have one id", c, other)
		}
		seen[id] = fmt.Sprintf("%q", c)
	}
	if id := pipeline.SignalID("shop", "1"); id != seenBefore {
		t.Errorf("the id of a signal is %s, streams hold it as %s", id, seenBefore)
	}
}

// TestNamesOfTheCriticalLane covers the lane beside the partitions of L2, and the scout that feeds it.
func TestNamesOfTheCriticalLane(t *testing.T) {
	for _, partitions := range []int{1, 60, pipeline.MaxPartitions} {
		key := pipeline.StageKey{Layer: layers.NameL2, Partition: pipeline.PartitionCritical, Partitions: partitions}
		for want, got := range map[string]string{
			"HAL9_L2_CRITICAL": key.Stream(), "l2-critical": key.Durable(), "L2.critical": key.Name(),
			"hal9.l2.critical": pipeline.SubjectOf(key.Layer, key.Partition),
			// The scout reads HAL9_L1 beside L1.
			"HAL9_L1": pipeline.ScoutKey(partitions).Stream(), "l1-critical": pipeline.ScoutKey(partitions).Durable(),
			"L1.critical": pipeline.ScoutKey(partitions).Name(),
		} {
			if got != want {
				t.Errorf("%d partitions: name is %s, want %s", partitions, got, want)
			}
		}
		if key.Scouts() || key.Shared() || !pipeline.ScoutKey(partitions).Scouts() || pipeline.ScoutKey(partitions).Shared() {
			t.Errorf("%d partitions: lane and scout are taken for each other or for L1", partitions)
		}
	}
}

// TestStagesHaveNamesOfTheirOwn proves that no two stages share a consumer, a subject or a name, and that a name
// leads to one stage only.
func TestStagesHaveNamesOfTheirOwn(t *testing.T) {
	for _, partitions := range []int{1, 2, 12, 101, pipeline.MaxPartitions} {
		keys := append(pipeline.KeyedStages(partitions), pipeline.StagesOf(layers.NameL1, partitions)...)
		if want := 1 + 4*partitions + 1; len(keys) != want {
			t.Errorf("%d partitions make %d stages, want %d", partitions, len(keys), want)
		}
		keys = append(append(keys, pipeline.ScoutKey(partitions)), pipeline.ObjectiveStages()...)
		of := map[string]pipeline.StageKey{}
		for _, key := range keys {
			names := []string{key.Name(), key.Stream() + " " + key.Durable()}
			if !key.Objectives && !key.Scouts() { // Those two read where others write.
				names = append(names, key.Stream(), pipeline.SubjectOf(key.Layer, key.Partition))
			}
			for _, name := range names {
				if other, taken := of[name]; taken {
					t.Errorf("%d partitions: %+v and %+v are both %s", partitions, key, other, name)
				}
				of[name] = key
			}
		}
	}
}
