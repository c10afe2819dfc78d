package bus

import (
	"context"
	"strings"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Items implements pipeline.Broker.
func (b *Bus) Items(ctx context.Context, key pipeline.StageKey, visit func(layers.Item) bool) error {
	prefix := pipeline.SubjectOfItem(key.Layer, key.Partition, "")
	return b.Walk(ctx, Window{Stream: pipeline.StreamMemory, Subject: prefix + "*"}, func(m *Message) bool {
		return visit(layers.Item{Name: strings.TrimPrefix(m.Subject, prefix), Data: m.Data})
	})
}
