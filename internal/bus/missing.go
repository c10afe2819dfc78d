package bus

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// namePage is a page of the names of streams, or of consumers.
type namePage struct {
	apiPage

	Streams   []string `json:"streams"`
	Consumers []string `json:"consumers"`
}

// Missing returns what of the topology does not exist, as "stream HAL9_L1". It asks for names only: what exists and has no leader
// just now is not missing. Another number of partitions is an ErrConflict. Buckets are made last, so where one is missing nobody is
// asked for consumers, and none is named: many pods may wait, and the server has to make what they wait for.
func (b *Bus) Missing(ctx context.Context, t Topology) ([]string, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if err := b.checkPartitions(ctx, t.Partitions); errors.Is(err, ErrConflict) {
		return nil, err
	}
	streams, err := b.names(ctx, "STREAM.NAMES")
	if err != nil {
		return nil, err
	}
	var missing []string
	check := func(exists bool, resource string) {
		if !exists {
			missing = append(missing, resource)
		}
	}
	for _, want := range t.streams() {
		check(streams[want.Name], "stream "+want.Name)
	}
	for _, want := range t.buckets() {
		check(streams["KV_"+want.Bucket], "bucket "+want.Bucket)
	}
	check(streams["OBJ_"+pipeline.BucketSnapshots], "bucket "+pipeline.BucketSnapshots)
	if len(missing) > 0 {
		return missing, nil
	}
	consumers, err := b.consumerNames(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, want := range t.consumers() {
		check(consumers[want.stream][want.config.Durable], "consumer "+want.config.Durable+" on "+want.stream)
	}
	return missing, nil
}

// consumerNames returns the names of the consumers of each stream that should have some.
func (b *Bus) consumerNames(ctx context.Context, t Topology) (map[string]map[string]bool, error) {
	lists := map[string]*map[string]bool{}
	for _, want := range t.consumers() {
		lists[want.stream] = new(map[string]bool)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inspectAtOnce)
	for stream, list := range lists {
		group.Go(func() (err error) {
			*list, err = b.names(ctx, "CONSUMER.NAMES."+stream)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	found := map[string]map[string]bool{}
	for stream, list := range lists {
		found[stream] = *list
	}
	return found, nil
}

// names reads all pages of a list of names.
func (b *Bus) names(ctx context.Context, verb string) (map[string]bool, error) {
	found := map[string]bool{}
	for range pagesMost {
		var page namePage
		if err := b.api(ctx, verb, len(found), &page); err != nil {
			return nil, err
		}
		if page.Error != nil {
			if page.Error.ErrorCode == jetstream.JSErrCodeStreamNotFound {
				break // It has gone since its name was listed.
			}
			return nil, fmt.Errorf("bus: list %s: %w", verb, page.Error)
		}
		for _, name := range append(page.Streams, page.Consumers...) {
			found[name] = true
		}
		if len(page.Streams)+len(page.Consumers) == 0 || len(found) >= page.Total {
			break
		}
	}
	return found, nil
}

// CheckLayer returns an error where one of a layer's consumers does not answer. Where it is missing the error names the command.
func (b *Bus) CheckLayer(ctx context.Context, layer layers.Name, partitions int) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(gaugeInFlight)
	for _, key := range pipeline.StagesOf(layer, partitions) {
		work.Go(func() error {
			ctx, cancel := ask(ctx)
			defer cancel()
			if _, err := b.js.Consumer(ctx, key.Stream(), key.Durable()); err != nil {
				return b.openError(key, err)
			}
			return nil
		})
	}
	return work.Wait()
}
