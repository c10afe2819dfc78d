package bench

import (
	"context"

	"github.com/2lab-ai/hal9/layers"
)

// measurer fills in the figures of a row.
type measurer func(ctx context.Context, s *session, row *Row) error

// spec says how a row of the table is measured and judged.
type spec struct {
	id      string
	title   string
	unit    string
	measure measurer
	judge   func(row *Row) (must, goal *bool)
}

// specs lists the rows in the table's order.
func specs() []spec {
	return []spec{
		{
			"propagation_idle", "five layers that pass on, one at a time", "ms",
			measureIdle(passing(), plain), judgeIdle,
		},
		{
			"propagation_real", "the default layers, criticals up to L5, one at a time", "ms",
			measureIdle(whole(layers.NameL5), critical), judgeIdle,
		},
		{
			"propagation_1k", "five layers that pass on, 1,000 signals/s", "ms",
			measureSteady(passing(), plain), judgeSteady,
		},
		{
			"throughput", "five layers that pass on, sustained", "signals/s",
			measureThroughput(passing(), plain), judgeThroughput,
		},
		{
			"throughput_real", "the default layers, a realistic mix, sustained", "signals/s",
			measureThroughput(whole(0), mixed), nil,
		},
		{
			"layer", "one layer's own time, default configuration", "ms",
			measureLayer, judgeLayer,
		},
		{
			"neurons", "1,000 neurons on 128 features", "ms",
			measureNeurons, nil,
		},
		{
			"consensus", "five nodes agree, five replicas on files", "ms",
			measureConsensus, nil,
		},
		{
			"memory", "similar among 100,000, while inserting", "ms",
			measureMemory, nil,
		},
		{
			"transport", "payloads of 64 KiB to 1 MiB, publish to verdict", "GB/s",
			measureTransport, nil, // It judges each size.
		},
		{
			"cache", "L1's cached answer, string keys beside it", "answers/s",
			measureCache, judgeCache,
		},
		{
			"users", "1,000 concurrent users for 60 s", "ms",
			measureUsers, nil, // It judges errors as well.
		},
	}
}

// IDs lists the rows' ids in the table's order.
func IDs() []string {
	var ids []string
	for _, spec := range specs() {
		ids = append(ids, spec.id)
	}
	return ids
}
