package chaos_test

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// What order per key means here, and how it is seen.
//
// HAL9 promises that the order of a key's signals is kept through L2 to L5: the order in which L2 takes
// them is that in which each later layer takes those that climb, and that in which each layer answers
// those that it answers. (L1 is shared by its replicas, so the order of publishing is none.) A keyed layer takes
// what lies in its partition's stream in the order of the stream; so the order in which a layer took signals is
// the order in which they lie in its stream, and the order in which it answered them is that of their
// verdicts in HAL9_VERDICTS. Neither rests on clocks.
//
// The streams between the layers hold HAL9's own bytes, one signal or several in a message. The checker does
// not decode them: every signal carries a mark in its payload, the payload travels along, and the marks are
// found in the order in which they lie there. Where a mark is not found although the signal's verdict says that it
// was there, the order was not seen, and the run fails. A critical signal that came to L2 by the lane for overload,
// too, has overtaken others on its way to L3: that is what the lane is for.

// stage is a place on the way up. What L3 flags in another partition than the first travels
// through the first one's stream, too: the correlator's.
type stage int

const (
	stageL2 stage = iota
	stageL3
	stageCorrelator
	stageL4
	stageL5
	stageCount
)

var stageNames = [stageCount]string{"L2", "L3", "L3's correlator", "L4", "L5"}

// place is where a signal lies in a stage's stream, the first time.
type place struct {
	stream uint16 // partition from 1; 0 where it is nowhere
	order  uint64 // sequence of the message << 16, and which signal in it
}

// marks returns the signals whose marks lie in data, in order; neighbours that are equal count once.
func marks(data []byte, signals int) []int {
	const width = len("~~0000000~~")
	var list []int
	for {
		at := bytes.Index(data, []byte("~~"))
		if at < 0 || len(data) < at+width {
			return list
		}
		i, err := strconv.Atoi(string(data[at+2 : at+width-2]))
		if err != nil || i >= signals || data[at+width-2] != '~' || data[at+width-1] != '~' {
			data = data[at+1:]
			continue
		}
		if len(list) == 0 || list[len(list)-1] != i {
			list = append(list, i)
		}
		data = data[at+width:]
	}
}

func firstMark(data []byte, signals int) (int, bool) {
	if list := marks(data, signals); len(list) > 0 {
		return list[0], true
	}
	return 0, false
}

// readPlaces notes where every signal lies in the streams of L2 to L5.
func (e *evidence) readPlaces(ctx context.Context, js jetstream.JetStream) error {
	for number, layer := range keyedNames {
		streams, err := streamsOf(ctx, js, layer)
		if err != nil {
			return err
		}
		// The lane for critical signals under overload is a stream beside them; its order is its own.
		partitions := slices.DeleteFunc(slices.Clone(streams), func(name string) bool { return strings.HasSuffix(name, "_CRITICAL") })
		if len(partitions) != e.partitions {
			e.found.add("a stream for each partition", "%s has the streams %v, want %d", layer, partitions, e.partitions)
		}
		for p, stream := range streams {
			err := readStream(ctx, js, stream, func(m entry) {
				for n, i := range marks(m.msg.Data(), len(e.script.key)) {
					if p >= e.partitions {
						e.overtook[i] = true
					}
					e.inStream[e.put(number, p, i, place{uint16(p + 1), m.seq<<16 | uint64(n)})]++
					e.output(number+1, e.partitionOf(i), m.at) // The layer below has handed it up.
				}
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// put notes the first place of a signal in a layer's stream and returns the stage.
func (e *evidence) put(layer, partition, i int, at place) stage {
	var s stage
	switch {
	case layer == 0:
		s = stageL2
	case layer == 1 && partition == e.partitionOf(i):
		s = stageL3
	case layer == 1:
		s = stageCorrelator
	case layer == 2:
		s = stageL4
	default:
		s = stageL5
	}
	if e.places[s][i].stream == 0 {
		e.places[s][i] = at
	}
	return s
}

// before returns the stage that a signal was in before.
func (e *evidence) before(s stage, i int) stage {
	if s == stageL4 && e.places[stageCorrelator][i].stream == 0 {
		return stageL3
	}
	return s - 1
}

// lastOf returns the last stage of a layer that the signal was in.
func (e *evidence) lastOf(layer, i int) stage {
	switch {
	case layer == 2:
		return stageL2
	case layer == 3 && e.places[stageCorrelator][i].stream == 0:
		return stageL3
	case layer == 3:
		return stageCorrelator
	case layer == 4:
		return stageL4
	default:
		return stageL5
	}
}

// lane is where signals have an order: those of a key that went from the same stream to the same stream.
type lane struct {
	key      uint16
	from, to stage
	in, out  uint16 // streams
}

// step is a signal that went along a lane.
type step struct {
	index   int
	in, out uint64 // where it lay before and after
}

// toVerdicts stands for HAL9_VERDICTS as the end of a lane, by the layer that answered.
const toVerdicts = stageCount

// checkOrder compares the orders in which signals entered and left each lane.
func (e *evidence) checkOrder() {
	lanes := map[lane][]step{}
	for i := range e.ends {
		e.addSteps(lanes, i)
	}
	for l, steps := range lanes {
		slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.in, b.in) })
		for n := 1; n < len(steps); n++ {
			e.pairs++
			earlier, later := steps[n-1], steps[n]
			if earlier.out < later.out {
				continue
			}
			to := "in HAL9_VERDICTS"
			if l.to != toVerdicts {
				to = "in the stream of " + stageNames[l.to]
			}
			e.found.addSignal(later.index, "order per key is kept", "of %s came after %s into the stream of %s, and lies before it %s",
				keyName(l.key), idOf(earlier.index), stageNames[l.from], to)
		}
	}
}

// addSteps adds the ways of one signal.
func (e *evidence) addSteps(lanes map[lane][]step, i int) {
	key := e.script.key[i]
	for to := stageL3; to < stageCount; to++ {
		at := e.places[to][i]
		from := e.before(to, i)
		if at.stream == 0 {
			continue
		}
		if from == stageL2 && e.overtook[i] {
			continue
		}
		if e.places[from][i].stream == 0 {
			e.found.addSignal(i, "the order can be seen", "lies in the stream of %s and not in that of %s", stageNames[to], stageNames[from])
			continue
		}
		l := lane{key: key, from: from, to: to, in: e.places[from][i].stream, out: at.stream}
		lanes[l] = append(lanes[l], step{i, e.places[from][i].order, at.order})
	}
	end := e.ends[i]
	if end.copies == 0 || end.layer < 2 {
		return
	}
	from := e.lastOf(int(end.layer), i)
	at := e.places[from][i]
	if at.stream == 0 {
		e.found.addSignal(i, "the order can be seen", "was answered by %s and does not lie in its streams", layerNames[end.layer-1])
		return
	}
	l := lane{key: key, from: from, to: toVerdicts, in: at.stream}
	lanes[l] = append(lanes[l], step{i, at.order, end.seq})
}
