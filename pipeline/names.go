package pipeline

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/2lab-ai/hal9/layers"
)

// Subjects. Everything HAL9 publishes lies below SubjectRoot.
const (
	SubjectRoot       = "hal9"
	SubjectSignals    = "hal9.signals"    // .<source>: ingest
	SubjectVerdicts   = "hal9.verdicts"   // .<layer>.<disposition>
	SubjectSituations = "hal9.situations" // .<event>
	SubjectPlans      = "hal9.plans"      // .<event>
	SubjectDead       = "hal9.dead"       // .<layer>
	SubjectMemory     = "hal9.memory"     // .<layer>.<p>.<item>
	SubjectRoll       = "hal9.roll"       // a request that every process answers: who it is and how it is; no stream keeps it
	SubjectScaling    = "hal9.scaling"    // .<layer>: how many replicas it needs, and why
)

// Streams. Those of the layers come from StreamOf.
const (
	StreamVerdicts   = "HAL9_VERDICTS"
	StreamSituations = "HAL9_SITUATIONS"
	StreamPlans      = "HAL9_PLANS"
	StreamDead       = "HAL9_DEAD"
	StreamMemory     = "HAL9_MEMORY"     // what layers remember, item by item: the last state of each
	StreamScaling    = "HAL9_SCALING"    // every decision of the scaler with its inputs
	StreamAdvisories = "HAL9_ADVISORIES" // what JetStream says about messages that it gave up on
)

// Buckets.
const (
	BucketTuning      = "hal9_tuning"      // adjustments from higher layers
	BucketCheckpoints = "hal9_checkpoints" // where each partition's stage stands
	BucketSnapshots   = "hal9_snapshots"   // object store: the state that belongs to a checkpoint
	BucketLeases      = "hal9_leases"      // who owns which partition
	BucketObjectives  = "hal9_objectives"  // error budgets as last reported
	BucketPressure    = "hal9_pressure"    // how far behind stages are
	BucketAgreements  = "hal9_agreements"  // votes on plans, decisions, and what became of actions
	BucketRedriven    = "hal9_redriven"    // which dead letters were redriven, and what is under way
	BucketReflexes    = "hal9_reflexes"    // what L1's processes share of alerts: which fire, or flap
	BucketSilences    = "hal9_silences"    // what people said to L1: silences and acknowledgements
)

// DurableOutcomes is the consumer on StreamSituations through which L4 hears what became of its situations.
const DurableOutcomes = "l4-outcomes"

// DurableObjectives is the consumer on StreamVerdicts that feeds L5's objectives.
const DurableObjectives = "l5-objectives"

// DurablePlans is the consumer of proposed plans: whoever gets one sees it through to its end.
const DurablePlans = "plans"

// DurableSituations is the consumer on StreamSituations that feeds L5's objectives.
const DurableSituations = "l5-situations"

// DurableTraces is the consumer on StreamVerdicts that feeds the exporters of traces. It is there only as long as one runs.
const DurableTraces = "traces"

// SourceOwn is the source of signals that HAL9 itself sends, such as burn-rate alerts. No objective counts them.
const SourceOwn = "hal9"

// DurableAdvisories is the consumer on StreamAdvisories that makes dead letters of what JetStream
// gave up on.
const DurableAdvisories = "advisories"

// Headers beside those of NATS itself.
const (
	HeaderTraceParent = "traceparent"
	HeaderError       = "Hal9-Error"
	HeaderLayer       = "Hal9-Layer"
	HeaderAttempts    = "Hal9-Attempts"
	HeaderStream      = "Hal9-Stream"
	HeaderSeq         = "Hal9-Seq"
	HeaderKind        = "Hal9-Kind"      // KindTick or KindNote; absent on signals
	HeaderSignals     = "Hal9-Signals"   // how many signals a pack holds; absent where it is one
	HeaderIDs         = "Hal9-Ids"       // identities in a pack from L1, idBytes each, base64
	HeaderTruncated   = "Hal9-Truncated" // size of the original where the dead letter holds its beginning only, bytes

	HeaderSignalID       = "Hal9-Signal-Id"       // of the signal that a dead letter is about, or that is redriven
	HeaderSignalSource   = "Hal9-Signal-Source"   // of that signal
	HeaderSignalReceived = "Hal9-Signal-Received" // when it was first stored in HAL9_L1, RFC 3339
	HeaderRedriveOf      = "Hal9-Redrive-Of"      // on a redriven signal: the id under which it died
)

// What HeaderKind says of a message in a keyed layer's stream that carries no signal.
const (
	KindTick = "tick" // it carries the time
	KindNote = "note" // it carries a layers.Note
)

// IsSignal reports whether a message in a layer's stream, whose HeaderKind this is, carries signals. In
// the stream of L1 that header is a sender's own.
func IsSignal(layer layers.Name, kind string) bool {
	return layer == layers.NameL1 || kind != KindTick && kind != KindNote
}

// MaxPartitions bounds the partitions of a layer.
const MaxPartitions = 720

// PartitionOf returns the partition of a key: FNV-1a (32 bit) modulo the number of
// partitions, as NATS's own {{partition}} mapping computes it. The empty key is in
// partition 0.
func PartitionOf(key string, partitions int) int {
	if partitions <= 1 || key == "" {
		return 0
	}
	hash := uint32(2166136261)
	for i := range len(key) {
		hash = (hash ^ uint32(key[i])) * 16777619
	}
	return int(hash % uint32(partitions))
}

// PartitionMemory is where L4 has its situations.
const PartitionMemory = 0

// PartitionFor returns the partition in which a layer decides on an envelope: that of its key until it belongs to a situation. L4 recalls
// all situations, so it has them in one partition, as L3 correlates in one; L5 counts those of a key in that of the key.
func PartitionFor(layer layers.Name, e *layers.Envelope, partitions int) int {
	switch s := e.Findings.Situation; {
	case layer < layers.NameL4 || s == nil:
		return PartitionOf(e.Key, partitions)
	case layer == layers.NameL4:
		return PartitionMemory
	default:
		return PartitionOf(s.Key, partitions)
	}
}

// StreamOf returns the stream of a layer's partition: HAL9_L1 for L1 always, HAL9_L3 where
// a layer has one partition, HAL9_L3_07 otherwise; HAL9_L2_CRITICAL for the lane of critical signals.
func StreamOf(layer layers.Name, partition, partitions int) string {
	switch {
	case layer == layers.NameL1:
		return "HAL9_L1"
	case partition == PartitionCritical:
		return "HAL9_" + layer.String() + "_CRITICAL"
	case partitions <= 1:
		return "HAL9_" + layer.String()
	}
	return fmt.Sprintf("HAL9_%s_%02d", layer, partition)
}

// DurableOf returns the durable consumer of a layer's partition: l1, l3 or l3-07.
func DurableOf(layer layers.Name, partition, partitions int) string {
	name := strings.ToLower(layer.String())
	if partition == PartitionCritical {
		return name + "-critical"
	}
	if layer == layers.NameL1 || partitions <= 1 {
		return name
	}
	return fmt.Sprintf("%s-%02d", name, partition)
}

// SubjectOf returns the subject of a layer's partition, hal9.l3.7; for L1 it is the
// wildcard over all sources.
func SubjectOf(layer layers.Name, partition int) string {
	if layer == layers.NameL1 {
		return SubjectSignals + ".>"
	}
	token := strconv.Itoa(partition)
	if partition == PartitionCritical {
		token = "critical"
	}
	return SubjectRoot + "." + strings.ToLower(layer.String()) + "." + token
}

// SourceOf returns what stands behind hal9.signals. in a subject: the source of a signal that
// does not name its own.
func SourceOf(subject string) string { return strings.TrimPrefix(subject, SubjectSignals+".") }

// SubjectOfVerdict returns hal9.verdicts.<layer>.<disposition>.
func SubjectOfVerdict(layer layers.Name, disposition layers.Disposition) string {
	return SubjectVerdicts + "." + layer.String() + "." + disposition.String()
}

// SubjectOfPlan returns hal9.plans.<event>.
func SubjectOfPlan(event layers.PlanEvent) string { return SubjectPlans + "." + string(event) }

// SubjectOfScaling returns hal9.scaling.<layer>.
func SubjectOfScaling(layer layers.Name) string { return SubjectScaling + "." + layer.String() }

// StageScaler names, in leases, what one scaler does at a time: deciding.
const StageScaler = "scaler.0"

// SubjectDeadAction is where failed actions of plans go.
const SubjectDeadAction = SubjectDead + ".action"

// VoterStage names a voter, from 1, in leases: voter.3. Voters are spread over the processes of L4 like partitions, and
// apart from them.
func VoterStage(voter int) string { return voterStages + strconv.Itoa(voter) }

const voterStages = "voter."

// VoterStages matches all of VoterStage.
const VoterStages = voterStages + "*"

// SubjectOfDead returns hal9.dead.<layer>.
func SubjectOfDead(layer layers.Name) string { return SubjectDead + "." + layer.String() }

// StageName names a layer's partition in checkpoints, leases and logs: L3.07. It is asked for at every turn of every stage.
func StageName(layer layers.Name, partition int) string {
	if layer >= layers.NameL1 && layer <= layers.NameL5 && partition >= PartitionCritical && partition < MaxPartitions {
		return stageNames()[layer][partition-PartitionCritical]
	}
	return stageName(layer, partition)
}

// stageNames are the names of all stages that there can be, by layer and partition.
var stageNames = sync.OnceValue(func() *[layers.NameL5 + 1][MaxPartitions - PartitionCritical]string {
	var names [layers.NameL5 + 1][MaxPartitions - PartitionCritical]string
	for _, layer := range layers.Names() {
		for i := range names[layer] {
			names[layer][i] = stageName(layer, i+PartitionCritical)
		}
	}
	return &names
})

func stageName(layer layers.Name, partition int) string {
	if partition == PartitionCritical {
		return layer.String() + ".critical"
	}
	return fmt.Sprintf("%s.%02d", layer, partition)
}
