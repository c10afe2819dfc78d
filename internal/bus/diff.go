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
	next.MaxBytes = largerBound(have.MaxBytes, want.MaxBytes)
	next.Metadata = maps.Clone(have.Metadata)
	if next.Metadata == nil {
		next.Metadata = map[string]string{}
	}
	maps.Copy(next.Metadata, want.Metadata)
	return next
}

// largerBound returns the larger one of two bounds in bytes. What is below 0 is no bound, and stays so.
func largerBound(have, want int64) int64 {
	if have < 0 {
		return have
	}
	return max(have, want)
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

// mergeBucket is mergeStream for buckets.
func mergeBucket(have, want jetstream.KeyValueConfig) jetstream.KeyValueConfig {
	next := have
	next.TTL = want.TTL
	next.LimitMarkerTTL = want.LimitMarkerTTL
	next.History = max(1, want.History)
	next.Replicas = want.Replicas
	next.MaxBytes = largerBound(have.MaxBytes, want.MaxBytes)
	return next
}

func diffBucket(have, next jetstream.KeyValueConfig) []string {
	return diffs(
		diff("ttl", have.TTL, next.TTL),
		diff("marker ttl", have.LimitMarkerTTL, next.LimitMarkerTTL),
		diff("history", have.History, next.History),
		diff("replicas", have.Replicas, next.Replicas),
		diff("bytes", have.MaxBytes, next.MaxBytes),
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
