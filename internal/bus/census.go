package bus

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// Census is who takes part, as the bucket of leases says. A process counts as alive until LeaseTime after it was
// heard of last.
type Census struct {
	Members []Member          `json:"members"`
	Owners  map[string]string `json:"owners"`            // by stage, such as L3.07: the process that owns it
	Orphans []string          `json:"orphans,omitempty"` // stages whose owner is gone
}

// Member is a process that takes part.
type Member struct {
	Owner  string    `json:"owner"`  // host/pid/token, as the process names itself
	Layers []string  `json:"layers"` // those that it runs
	Seen   time.Time `json:"seen"`   // when its session was renewed last, by the server's clock
}

// Census reads who takes part.
func (b *Bus) Census(ctx context.Context) (Census, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	census := Census{Owners: map[string]string{}}
	bucket, err := b.bucket(ctx, pipeline.BucketLeases)
	if err != nil {
		return census, err
	}
	watcher, err := bucket.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return census, err
	}
	defer func() { _ = watcher.Stop() }()
	sessions := map[string]bool{}
	leases := map[string]leaseRecord{}
	for {
		var entry jetstream.KeyValueEntry
		select {
		case entry = <-watcher.Updates():
		case <-ctx.Done():
			return census, context.Cause(ctx)
		}
		if entry == nil { // All that there were when it began.
			break
		}
		if id, ok := strings.CutPrefix(entry.Key(), memberKeys); ok {
			var record memberRecord
			if json.Unmarshal(entry.Value(), &record) == nil {
				sessions[id] = true
				census.Members = append(census.Members, Member{record.Owner, slices.Sorted(maps.Keys(record.Layers)), entry.Created()})
			}
			continue
		}
		var record leaseRecord
		if json.Unmarshal(entry.Value(), &record) == nil {
			leases[entry.Key()] = record
		}
	}
	for _, stage := range sortedKeys(leases) {
		if sessions[leases[stage].Session] {
			census.Owners[stage] = leases[stage].Owner
		} else {
			census.Orphans = append(census.Orphans, stage)
		}
	}
	return census, nil
}
