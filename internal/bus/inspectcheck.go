package bus

import (
	"slices"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// compare notes what is missing of HAL9's topology, or is otherwise than it should be. The topology's size is read off
// what is there; bounds in bytes are the operator's business and not compared.
func compare(found *Inspection, list streamList, consumers []consumerList) {
	name := pipeline.StreamOf(layers.NameL1, 0, 1)
	at := slices.IndexFunc(list.infos, func(info *jetstream.StreamInfo) bool { return info.Config.Name == name })
	if at < 0 {
		found.Provisioned = slices.Contains(list.missing, name)
		if !found.Provisioned {
			found.Missing = []string{"stream " + name}
		}
		return
	}
	l1 := list.infos[at].Config
	partitions, err := strconv.Atoi(l1.Metadata[metaPartitions])
	if err != nil || partitions < 1 || partitions > pipeline.MaxPartitions {
		return
	}
	found.Provisioned, found.Partitions, found.Replicas = true, partitions, l1.Replicas
	t := Topology{Partitions: partitions, Replicas: l1.Replicas, StoreBytes: 48}
	if at := indexOf(list.infos, pipeline.StreamVerdicts); at >= 0 {
		t.Alone = list.infos[at].Config.Duplicates == hopWindow
	}
	compareStreams(found, &list, t)
	compareConsumers(found, &list, consumers, t)
}

func indexOf(infos []*jetstream.StreamInfo, name string) int {
	return slices.IndexFunc(infos, func(info *jetstream.StreamInfo) bool { return info.Config.Name == name })
}

func compareStreams(found *Inspection, list *streamList, t Topology) {
	check := func(kind, shown, name string) (jetstream.StreamConfig, bool) {
		if at := indexOf(list.infos, name); at >= 0 {
			return list.infos[at].Config, true
		}
		if !slices.Contains(list.missing, name) {
			found.Missing = append(found.Missing, kind+" "+shown)
		}
		return jetstream.StreamConfig{}, false
	}
	for _, want := range t.streams() {
		have, ok := check("stream", want.Name, want.Name)
		if !ok {
			continue
		}
		next := mergeStream(have, want)
		next.MaxBytes = have.MaxBytes
		if diffs := diffStream(have, next); len(diffs) > 0 {
			found.Changed = append(found.Changed, Change{Kind: ChangeUpdate, Resource: "stream " + want.Name, Diffs: diffs})
		}
	}
	for _, want := range t.buckets() {
		check("bucket", want.Bucket, "KV_"+want.Bucket)
	}
	check("object store", pipeline.BucketSnapshots, "OBJ_"+pipeline.BucketSnapshots)
}

func compareConsumers(found *Inspection, list *streamList, consumers []consumerList, t Topology) {
	for _, want := range t.consumers() {
		at := indexOf(list.infos, want.stream)
		if at < 0 || slices.Contains(consumers[at].missing, want.config.Durable) {
			continue // It went with its stream, or has no leader.
		}
		resource := "consumer " + want.config.Durable + " on " + want.stream
		i := slices.IndexFunc(consumers[at].infos, func(info *jetstream.ConsumerInfo) bool { return info.Name == want.config.Durable })
		if i < 0 {
			if consumers[at].whole {
				found.Missing = append(found.Missing, resource)
			}
			continue
		}
		have := consumers[at].infos[i].Config
		if diffs := diffConsumer(have, mergeConsumer(have, want.config)); len(diffs) > 0 {
			found.Changed = append(found.Changed, Change{Kind: ChangeUpdate, Resource: resource, Diffs: diffs})
		}
	}
}
