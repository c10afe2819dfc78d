package lint

import (
	"strings"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"

	"github.com/2lab-ai/hal9/layers"
)

func layerRules() []rule {
	return []rule{{"layer", lookLayer}, {"above-partitions", lookPartitions}}
}

// layerOf returns the layer of HAL9 that a ScaledObject scales; ok is false where it scales something else.
func layerOf(so *keda.ScaledObject) (layer layers.Name, ok bool) {
	if so.Spec.ScaleTargetRef == nil {
		return 0, false
	}
	rest, ok := strings.CutPrefix(so.Spec.ScaleTargetRef.Name, "hal9-")
	if !ok {
		return 0, false
	}
	layer, err := layers.ParseName(rest)
	return layer, err == nil
}

// lookLayer judges triggers that ask HAL9's scaler.
func lookLayer(c *check) {
	target, ours := layerOf(c.so)
	c.each(func(t *keda.ScaleTriggers, path string) {
		isHAL9 := strings.HasPrefix(t.Metadata["scalerAddress"], "hal9-") || ours
		if t.Type != "external-push" && t.Type != "external" || !isHAL9 {
			return
		}
		layer, err := layers.ParseName(t.Metadata["layer"])
		switch {
		case err != nil:
			c.report(SeverityError, path+".metadata.layer", advice{"HAL9's scaler answers with an error where it does not know the layer.", "Write layer: L1 to L5."},
				"layer %q is none of HAL9's", t.Metadata["layer"])
		case ours && layer != target:
			c.report(SeverityError, path+".metadata.layer", advice{"One layer would be scaled by what waits for another.", "Write layer: " + target.String() + "."},
				"it scales %s by what %s needs", target, layer)
		}
	})
}

func lookPartitions(c *check) {
	layer, ours := layerOf(c.so)
	if c.facts == nil || !ours || layer == layers.NameL1 {
		return
	}
	if n := c.facts.Partitions(); n > 0 && c.so.GetHPAMaxReplicas() > int32(n) {
		c.report(SeverityWarning, "spec.maxReplicaCount", advice{
			"Each partition of L2 to L5 has one owner: replicas beyond that own none, and cost what the others cost.",
			"Write maxReplicaCount: " + itoa(n) + " at most. (The number of partitions is fixed by `hal9 provision`.)",
		}, "up to %d replicas for %d partitions", c.so.GetHPAMaxReplicas(), n)
	}
}
