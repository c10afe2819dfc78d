package chaos_test

import (
	"slices"
	"time"
)

// clockFormat is how moments are told.
const clockFormat = "15:04:05.000"

// outlet is where a layer's work comes out: a partition of the key for L2 and L3, the whole layer
// for the others, whose partitions are those of the situations or none.
type outlet struct{ layer, partition int }

// margin is how long after its death a message of the dead may still be on its way into a stream.
const margin = 20 * time.Millisecond

// output notes that a layer stored something. What counts for a fault is the first of each
// partition after it.
func (e *evidence) output(layer, partition int, at time.Time) {
	if layer != 2 && layer != 3 {
		partition = 0
	}
	where := outlet{layer, partition}
	for n := range e.strikes {
		s := &e.strikes[n]
		if !s.touches(layerNames[layer-1]) || at.Before(s.at.Add(margin)) {
			continue
		}
		if first, known := e.first[n][where]; !known || at.Before(first) {
			e.first[n][where] = at
		}
	}
}

// gap is how long nothing came out after a fault.
type gap struct {
	kind, layer string
	length      time.Duration
	disturbed   bool // another fault came in between
}

// touches reports whether the fault was one for this layer.
func (s strike) touches(layer string) bool { return s.layer == "" || s.layer == layer }

// gaps returns for every fault by which a process was lost how long it took until each partition of its
// layer gave something again, the slowest one counting. It includes the time in which there was nothing to do,
// and is left out where nothing came any more.
func (e *evidence) gaps() []gap {
	var list []gap
	for n, s := range e.strikes {
		if !slices.Contains([]string{kindKill, kindFreeze, kindServer, kindBoth, kindNode, kindCut}, s.kind) {
			continue
		}
		worst := map[string]time.Duration{}
		for where, at := range e.first[n] {
			name := layerNames[where.layer-1]
			worst[name] = max(worst[name], at.Sub(s.at))
		}
		for layer, length := range worst {
			g := gap{kind: s.kind, layer: layer, length: length}
			g.disturbed = slices.ContainsFunc(e.strikes, func(o strike) bool {
				return o.touches(layer) && (o.at.After(s.at) && o.at.Before(s.at.Add(length)) || o.at.Before(s.at) && o.back.After(s.at))
			})
			list = append(list, g)
		}
	}
	slices.SortFunc(list, func(a, b gap) int { return int(a.length - b.length) })
	return list
}
