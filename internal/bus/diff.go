package bus

import (
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// mergeStream returns the existing configuration with HAL9's own settings: what an operator
// set beside them (placement, compression, a larger bound) stays.
func mergeStream(have, want jetstream.StreamConfig) jetstream.StreamConfig {
	next := have
	next.Subjects = want.Subjects
	next.Discard = want.Discard
	next.Duplicates = want.Duplicates
	next.Replicas = want.Replicas
	next.AllowDirect = want.AllowDirect
	next.AllowBatchPublish = want.AllowBatchPublish
	next.AllowAtomicPublish = want.AllowAtomicPublish || have.AllowAtomicPublish
	if want.MaxMsgsPerSubject > 0 {
		next.MaxMsgsPerSubject = want.MaxMsgsPerSubject
	}
	next.MaxBytes = max(have.MaxBytes, want.MaxBytes)
	if have.MaxBytes < 0 {
		next.MaxBytes = have.MaxBytes
	}
	next.Metadata = maps.Clone(have.Metadata)
	if next.Metadata == nil {
		next.Metadata = map[string]string{}
	}
	maps.Copy(next.Metadata, want.Metadata)
	return next
}

func diffStream(have, next jetstream.StreamConfig) []string {
	return diffs(
		diffFunc("subjects", have.Subjects, next.Subjects, slices.Equal[[]string]),
		diff("discard", have.Discard, next.Discard),
		diff("duplicate window", have.Duplicates, next.Duplicates),
		diff("replicas", have.Replicas, next.Replicas),
		diff("direct get", have.AllowDirect, next.AllowDirect),
		diff("batch publish", have.AllowBatchPublish, next.AllowBatchPublish),
		diff("messages per subject", have.MaxMsgsPerSubject, next.MaxMsgsPerSubject),
		diff("bytes", have.MaxBytes, next.MaxBytes),
		diff("partitions", have.Metadata[metaPartitions], next.Metadata[metaPartitions]),
	)
}

func mergeConsumer(have, want jetstream.ConsumerConfig) jetstream.ConsumerConfig {
	next := have
	next.AckWait = want.AckWait
	next.MaxDeliver = want.MaxDeliver
	next.MaxAckPending = want.MaxAckPending
	next.FilterSubject = want.FilterSubject
	next.FilterSubjects = nil
	return next
}

func diffConsumer(have, next jetstream.ConsumerConfig) []string {
	return diffs(
		diff("ack wait", have.AckWait, next.AckWait),
		diff("deliveries", have.MaxDeliver, next.MaxDeliver),
		diff("unacknowledged", have.MaxAckPending, next.MaxAckPending),
		diff("filter", have.FilterSubject, next.FilterSubject),
	)
}

func diff[T comparable](name string, have, want T) string {
	return diffFunc(name, have, want, func(a, b T) bool { return a == b })
}

func diffFunc[T any](name string, have, want T, equal func(a, b T) bool) string {
	if equal(have, want) {
		return ""
	}
	return fmt.Sprintf("%s: %v → %v", name, have, want)
}

func diffs(lines ...string) []string {
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" })
}
