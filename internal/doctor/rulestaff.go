package doctor

import (
	"fmt"
	"strings"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// findOwnerless says which partitions nobody owns.
func findOwnerless(f *Facts) (list []Finding) {
	n := f.NATS
	if n == nil || n.Last == nil || n.Census == nil || n.Last.Partitions == 0 {
		return nil
	}
	if len(n.Census.Members) == 0 && len(f.Processes) > 0 {
		return findAbsent(f) // One process owns everything and shares nothing.
	}
	for _, layer := range layers.Names()[1:] {
		if f.runners(layer) == 0 {
			continue // findStalled tells once there is something to do, findAbsent before.
		}
		var without []string
		stages := pipeline.StagesOf(layer, n.Last.Partitions)
		for _, key := range stages {
			if _, ok := n.Census.Owners[key.Name()]; !ok {
				without = append(without, key.Name())
			}
		}
		if len(without) > 0 {
			list = append(list, Finding{
				ID: "ownerless", Severity: SeverityWarning, What: fmt.Sprintf("%s: %d of %s without an owner", layer, len(without), plural(len(stages), "partition")),
				Evidence: []string{few(without, 6), plural(f.runners(layer), "live process") + "; after a crash partitions move within 5 s"},
				Commands: []Command{look(f.again(), "again in ten seconds"), f.scale(layer)},
			})
		}
	}
	return append(list, findAbsent(f)...)
}

// findAbsent says which layers nobody runs while they have nothing to do.
func findAbsent(f *Facts) []Finding {
	var absent []string
	for _, layer := range layers.Names() {
		if queue, ok := f.NATS.LastQueues[layer]; ok && queue.Depth() == 0 && f.runners(layer) == 0 {
			absent = append(absent, layer.String())
		}
	}
	if len(absent) == 0 {
		return nil
	}
	finding := Finding{
		ID: "absent", Severity: SeverityWarning, What: "nobody runs " + strings.Join(absent, ", "),
		Evidence: []string{"no live process has announced itself; nothing waits for it yet (with KEDA's scale to zero that is as it should be)"},
	}
	for _, name := range absent {
		if layer, err := layers.ParseName(name); err == nil {
			finding.Commands = append(finding.Commands, f.scale(layer))
		}
	}
	return []Finding{finding}
}
