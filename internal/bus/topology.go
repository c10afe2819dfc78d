package bus

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// metaPartitions is the stream metadata that says into how many partitions the keyed layers
// are divided: fixed for life, since each partition's state belongs to its keys.
const metaPartitions = "hal9.partitions"

// How long JetStream recognises an id that is stored again. At the doors that is for senders who try
// again. Between the layers it covers publishes whose answer got lost while everything is
// up, and so must outlast a few ack waits; what a restart leaves uncertain is settled by the ledger,
// whatever its length. A server reads its whole window when it starts: longer means later.
const (
	ingestWindow = 10 * time.Second
	hopWindow    = 10 * time.Second
	// Results get a longer one where L1 has several processes: a sender's copies of a signal that came to two of them, of which
	// one crashed, are answered an ack wait apart.
	resultWindow = 2 * ackWait
)

// ackWait is how long a process may keep a message before another gets it. holdTime is how long it may work on it, from when
// it asked for it: what it wants to store must be stored by the time at which another gets it.
const (
	ackWait  = 20 * time.Second
	holdTime = ackWait - pullExpiry - 3*time.Second
)

// scalingAge is for how long decisions of the scaler are kept at most.
const scalingAge = 7 * 24 * time.Hour

// Durable is a consumer that something outside the layers uses, such as a sink.
type Durable struct{ Stream, Name string }

// Topology says which streams, consumers and buckets HAL9 needs.
type Topology struct {
	Partitions int       // of each keyed layer; default 1
	Replicas   int       // of each stream and bucket: 1, 3 or 5; default 1
	StoreBytes int64     // bound of all streams together, bytes; default 12 GiB
	Sinks      []Durable // consumers of the configured sinks
	Alone      bool      // one process runs all layers, as `hal9 up` does; default false
}

// DefaultTopology returns the defaults.
func DefaultTopology() Topology {
	return Topology{Partitions: 1, Replicas: 1, StoreBytes: 12 << 30}
}

// Validate reports every impossible value.
func (t Topology) Validate() error {
	var problems []error
	if t.Partitions < 1 || t.Partitions > pipeline.MaxPartitions {
		problems = append(problems, fmt.Errorf("bus: %d partitions: want 1 to %d", t.Partitions, pipeline.MaxPartitions))
	}
	if t.Replicas != 1 && t.Replicas != 3 && t.Replicas != 5 {
		problems = append(problems, fmt.Errorf("bus: %d replicas: want 1, 3 or 5", t.Replicas))
	}
	if t.StoreBytes < 64<<20 {
		problems = append(problems, fmt.Errorf("bus: store of %d bytes: want at least 64 MiB", t.StoreBytes))
	}
	return errors.Join(problems...)
}

// share returns n parts in 48 of the store.
func (t Topology) share(n int64) int64 { return t.StoreBytes / 48 * n }

// stages lists the keyed stages.
func (t Topology) stages() []pipeline.StageKey { return pipeline.KeyedStages(t.Partitions) }

// streams lists the streams. Streams that carry work refuse new messages when full, since the
// oldest message may be one that nobody has looked at; what is processed is trimmed by the
// layers (Trim). Streams that carry results drop their oldest.
func (t Topology) streams() []jetstream.StreamConfig {
	list := []jetstream.StreamConfig{t.workStream(pipeline.StreamOf(layers.NameL1, 0, 1), pipeline.SubjectOf(layers.NameL1, 0), t.share(16))}
	for _, key := range t.stages() {
		bytes := t.share(2)
		if key.Layer == layers.NameL2 {
			bytes = t.share(12) // Under overload the backlog is here.
		}
		if key.Partition == pipeline.PartitionCritical {
			bytes = t.share(2) * int64(t.Partitions)
		}
		list = append(list, t.workStream(key.Stream(), pipeline.SubjectOf(key.Layer, key.Partition), bytes/int64(t.Partitions)))
	}
	return append(list,
		t.resultStream(pipeline.StreamVerdicts, pipeline.SubjectVerdicts, 8),
		t.resultStream(pipeline.StreamSituations, pipeline.SubjectSituations, 1),
		t.resultStream(pipeline.StreamPlans, pipeline.SubjectPlans, 1),
		t.resultStream(pipeline.StreamDead, pipeline.SubjectDead, 1),
		t.memoryStream(), t.advisoryStream(), t.scalingStream(), t.register())
}

// memoryStream keeps the last state of each item. Where it is full the items that have not changed for longest are forgotten.
func (t Topology) memoryStream() jetstream.StreamConfig {
	cfg := t.resultStream(pipeline.StreamMemory, pipeline.SubjectMemory, 1)
	cfg.MaxBytes, cfg.MaxMsgsPerSubject, cfg.Duplicates = t.share(1)/2, 1, hopWindow
	return cfg
}

// scalingStream keeps the decisions of the scaler: some 15 hours of them where it decides every 2 s for five layers.
func (t Topology) scalingStream() jetstream.StreamConfig {
	cfg := t.resultStream(pipeline.StreamScaling, pipeline.SubjectScaling, 1)
	cfg.MaxBytes, cfg.MaxAge, cfg.Duplicates, cfg.Compression = t.share(1)/2, scalingAge, hopWindow, jetstream.S2Compression
	return cfg
}

func (t Topology) workStream(name, subject string, bytes int64) jetstream.StreamConfig {
	window := hopWindow
	if subject == pipeline.SubjectOf(layers.NameL1, 0) {
		window = ingestWindow
	}
	return jetstream.StreamConfig{
		Name: name, Subjects: []string{subject}, Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, MaxBytes: bytes, Duplicates: window, Replicas: t.Replicas,
		AllowDirect: true, AllowBatchPublish: true, Metadata: map[string]string{metaPartitions: strconv.Itoa(t.Partitions)},
	}
}

func (t Topology) resultStream(name, subject string, parts int64) jetstream.StreamConfig {
	window := resultWindow
	if t.Alone {
		window = hopWindow
	}
	return jetstream.StreamConfig{
		Name: name, Subjects: []string{subject + ".>"}, Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardOld, MaxBytes: t.share(parts), Duplicates: window, Replicas: t.Replicas,
		AllowDirect: true, AllowBatchPublish: true, Metadata: map[string]string{metaPartitions: strconv.Itoa(t.Partitions)},
	}
}

// consumer is a durable with its stream.
type consumer struct {
	stream string
	config jetstream.ConsumerConfig
}

// consumers lists the durables. None has a bound on deliveries: what can't be processed is
// written to the dead letters by the stage, and so nothing can vanish. Where an operator sets
// a bound all the same, StreamAdvisories tells.
func (t Topology) consumers() []consumer {
	l1, scout := pipeline.StageKey{Layer: layers.NameL1}, pipeline.ScoutKey(t.Partitions)
	list := []consumer{
		{l1.Stream(), durable(l1.Durable(), jetstream.AckExplicitPolicy)},
		{scout.Stream(), durable(scout.Durable(), jetstream.AckAllPolicy)},
	}
	for _, key := range t.stages() {
		list = append(list, consumer{key.Stream(), durable(key.Durable(), jetstream.AckAllPolicy)})
	}
	list = append(list,
		consumer{pipeline.StreamVerdicts, durable(pipeline.DurableObjectives, jetstream.AckAllPolicy)},
		consumer{pipeline.StreamSituations, durable(pipeline.DurableSituations, jetstream.AckAllPolicy)},
		advisoryConsumer(), planConsumer(), outcomeConsumer())
	for _, sink := range t.Sinks {
		list = append(list, consumer{sink.Stream, durable(sink.Name, jetstream.AckExplicitPolicy)})
	}
	return list
}

// outcomeWait is how long a process may take to hand an outcome on; one that comes twice changes nothing.
const outcomeWait = 5 * time.Second

// outcomeConsumer is the durable through which L4 hears which of its situations were closed.
func outcomeConsumer() consumer {
	config := durable(pipeline.DurableOutcomes, jetstream.AckExplicitPolicy)
	config.FilterSubject = pipeline.SubjectSituations + "." + string(layers.SituationClosed)
	config.AckWait = outcomeWait
	return consumer{pipeline.StreamSituations, config}
}

// planConsumer is the durable through which proposed plans are seen through to their end.
func planConsumer() consumer {
	config := durable(pipeline.DurablePlans, jetstream.AckExplicitPolicy)
	config.FilterSubject = pipeline.SubjectPlans + "." + string(layers.PlanProposed)
	return consumer{pipeline.StreamPlans, config}
}

func durable(name string, ack jetstream.AckPolicy) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: name, DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: ack, AckWait: ackWait,
		MaxDeliver: -1, MaxAckPending: MaxAckPending,
	}
}

// buckets lists the key-value buckets; the snapshots' object store comes on top.
func (t Topology) buckets() []jetstream.KeyValueConfig {
	return []jetstream.KeyValueConfig{
		{Bucket: pipeline.BucketTuning, History: 10, Replicas: t.Replicas, MaxBytes: 16 << 20},
		{Bucket: pipeline.BucketCheckpoints, Replicas: t.Replicas, MaxBytes: 16 << 20},
		{Bucket: pipeline.BucketLeases, LimitMarkerTTL: leaseMarks, Replicas: t.Replicas, MaxBytes: 16 << 20},
		{Bucket: pipeline.BucketObjectives, Replicas: t.Replicas, MaxBytes: 16 << 20},
		{Bucket: pipeline.BucketPressure, TTL: pressureTime, Replicas: t.Replicas, MaxBytes: 4 << 20},
		{Bucket: pipeline.BucketRedriven, Replicas: t.Replicas, MaxBytes: 16 << 20},
		{Bucket: pipeline.BucketReflexes, LimitMarkerTTL: reflexMarks, Replicas: t.Replicas, MaxBytes: 32 << 20},
		{Bucket: pipeline.BucketSilences, LimitMarkerTTL: reflexMarks, Replicas: t.Replicas, MaxBytes: 16 << 20},
	}
}
