package bench

import (
	"context"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

// spec says what a row of the table is and how it is judged.
type spec struct {
	id, title, unit string
	hal9            contender // in groups whose yardstick is the bare loop
	judge           func(row *Row) (must, goal *bool)
}

// group is rows that are measured together, beside one yardstick.
type group struct {
	specs   []spec
	measure func(ctx context.Context, s *session, lines []line) error
}

// line is a row under measurement.
type line struct {
	spec
	row *Row
}

// lines starts the rows of the group that are wanted: all where none is named.
func (g group) lines(ids []string) []line {
	var lines []line
	for _, spec := range g.specs {
		if len(ids) == 0 || slices.Contains(ids, spec.id) {
			lines = append(lines, line{spec, &Row{ID: spec.id, Title: spec.title, Unit: spec.unit}})
		}
	}
	return lines
}

// single is a group of one row.
func single(s spec, measure func(ctx context.Context, s *session, row *Row) error) group {
	return group{[]spec{s}, func(ctx context.Context, s *session, lines []line) error { return measure(ctx, s, lines[0].row) }}
}

// groups lists the rows in the table's order.
func groups() []group {
	real, mix := whole(layers.NameL5, critical), whole(0, mixed)
	return []group{
		{[]spec{
			{"propagation_idle", "five layers that pass on, one at a time", "ms", passing(plain), judgeIdle},
			{"propagation_real", "the default layers, criticals up to L5, one at a time", "ms", real, judgeIdle},
		}, measureIdle},
		{[]spec{
			{"propagation_1k", "five layers that pass on, 1,000 signals/s", "ms", passing(plain), judgeSteady},
		}, measureSteady},
		{[]spec{
			{"throughput", "five layers that pass on, sustained", "signals/s", passing(plain), judgeThroughput},
			{"throughput_real", "the default layers, a realistic mix, sustained", "signals/s", mix, nil},
		}, measureThroughput},
		single(spec{id: "layer", title: "one layer's own time, default configuration", unit: "ms", judge: judgeLayer}, measureLayer),
		single(spec{id: "neurons", title: "1,000 neurons on 128 features", unit: "ms"}, measureNeurons),
		single(spec{id: "consensus", title: "five nodes agree, five replicas on files", unit: "ms", judge: judgeConsensus}, measureConsensus),
		single(spec{id: "memory", title: "similar among 100,000, while inserting", unit: "ms", judge: judgeMemory}, measureMemory),
		single(spec{id: "transport", title: "payloads of 64 KiB to 1 MiB, publish to verdict", unit: "GB/s"}, measureTransport),
		single(spec{id: "cache", title: "L1's cached answer, string keys beside it", unit: "answers/s", judge: judgeCache}, measureCache),
		single(spec{id: "users", title: "1,000 concurrent users for 60 s", unit: "ms"}, measureUsers),
	}
}

// IDs lists the rows' ids in the table's order.
func IDs() []string {
	var ids []string
	for _, g := range groups() {
		for _, spec := range g.specs {
			ids = append(ids, spec.id)
		}
	}
	return ids
}
