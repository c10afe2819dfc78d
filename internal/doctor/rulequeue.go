package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// still reports whether a consumer had work in both looks and moved nothing in between, nor for a while: processes that
// take over partitions need some seconds.
func still(f *Facts, c *bus.ConsumerView) bool {
	before, ok := consumerIn(f.NATS.First, c.Stream, c.Name)
	if f.NATS.Apart <= 0 { // There was no second look.
		return false
	}
	if !ok || c.Pending+uint64(max(0, c.AckPending)) == 0 || before.Pending+uint64(max(0, before.AckPending)) == 0 {
		return false
	}
	if c.Delivered != before.Delivered || c.AckFloor != before.AckFloor {
		return false
	}
	moved := c.Created
	for _, at := range []time.Time{c.DeliveredAt, c.AckedAt} {
		if at.After(moved) {
			moved = at
		}
	}
	return f.NATS.now().Sub(moved) > f.Options.Still
}

// findStalled says which consumers stand still.
func findStalled(f *Facts) (list []Finding) {
	n := f.NATS
	if n == nil || n.Last == nil || n.First == nil {
		return nil
	}
	byLayer := map[layers.Name][]bus.ConsumerView{}
	stages := stagesOf(n.Last.Partitions)
	scout := pipeline.ScoutKey(max(1, n.Last.Partitions)).Durable() // It looks ahead under overload, and rests otherwise.
	for i := range n.Last.Streams {
		for _, c := range n.Last.Streams[i].Consumers {
			if !c.Durable || c.Paused || c.Name == scout || !still(f, &c) {
				continue
			}
			if layer, ok := stages[c.Stream+"/"+c.Name]; ok {
				byLayer[layer] = append(byLayer[layer], c)
			} else if strings.HasPrefix(c.Stream, "HAL9_") {
				list = append(list, stalledAside(f, &c))
			}
		}
	}
	for _, layer := range layers.Names() {
		if stalled := byLayer[layer]; len(stalled) > 0 {
			list = append(list, stalledLayer(f, layer, stalled))
		}
	}
	return list
}

// stagesOf returns the layer of each consumer that carries signals, by stream and name.
func stagesOf(partitions int) map[string]layers.Name {
	stages := map[string]layers.Name{}
	for _, layer := range layers.Names() {
		for _, key := range pipeline.StagesOf(layer, max(1, partitions)) {
			stages[key.Stream()+"/"+key.Durable()] = layer
		}
	}
	return stages
}

func stalledLayer(f *Facts, layer layers.Name, stalled []bus.ConsumerView) Finding {
	slices.SortFunc(stalled, func(a, b bus.ConsumerView) int { return cmp.Compare(b.Pending, a.Pending) })
	worst := &stalled[0]
	runners := f.runners(layer)
	what := layer.String() + " stands still"
	if runners == 0 {
		what = "nobody runs " + layer.String()
	} else if all := len(pipeline.StagesOf(layer, max(1, f.NATS.Last.Partitions))); all > 1 {
		what = fmt.Sprintf("%s: %d of %d consumers stand still", layer, len(stalled), all)
	}
	if queue, ok := f.NATS.LastQueues[layer]; ok {
		what += fmt.Sprintf(": %s, the oldest %s", plural(queue.Depth(), "signal"), age(queue.Oldest))
	}
	finding := Finding{ID: "stalled", Severity: SeverityCritical, What: what, Evidence: []string{stallEvidence(f, worst)}}
	switch runners {
	case 0:
		finding.Evidence = append(finding.Evidence, "no live process has announced itself for it")
		finding.Commands = []Command{
			look(f.kubectl("get deployment,pods --selector app.kubernetes.io/component="+strings.ToLower(layer.String())), "are there pods, and what holds them back?"),
			f.scale(layer),
		}
	default:
		if runners > 0 {
			finding.Evidence = append(finding.Evidence, plural(runners, "live process")+", and none takes anything")
		}
		finding.Commands = []Command{
			look(f.kubectl("logs --selector app.kubernetes.io/component="+strings.ToLower(layer.String())+" --since 10m --prefix"), "what they say"),
			run(f.kubectl("rollout restart deployment/hal9-"+strings.ToLower(layer.String())), "start them anew: what is in flight is done again, once"),
			run("systemctl restart hal9, or kill -TERM the process", "the same without Kubernetes"),
		}
	}
	return finding
}

func stallEvidence(f *Facts, c *bus.ConsumerView) string {
	text := fmt.Sprintf("%s on %s: %s messages wait, %s taken and not settled, %s", c.Name, c.Stream, number(c.Pending), number(c.AckPending), plural(c.Pulls, "open pull"))
	if c.DeliveredAt.IsZero() {
		return text + "; it never delivered anything"
	}
	return text + "; last delivered " + age(f.NATS.now().Sub(c.DeliveredAt)) + " ago"
}

// stalledAside is about a consumer that carries no signals between layers.
func stalledAside(f *Facts, c *bus.ConsumerView) Finding {
	finding := Finding{
		ID: "stalled-aside", Severity: SeverityWarning, What: c.Name + " on " + c.Stream + " stands still",
		Evidence: []string{stallEvidence(f, c)},
		Commands: []Command{look(f.again(), "again in a minute: it may only have begun")},
	}
	switch {
	case strings.HasPrefix(c.Name, "sink-"):
		finding.What = "results do not reach sink " + strings.TrimPrefix(c.Name, "sink-")
		finding.Commands = []Command{
			look(f.hal9("dead ls --layer sink"), "what could not be delivered, and why"),
			look("hal9 lint hal9.yaml", "is the sink still in the configuration? A consumer without one stands still for ever"),
		}
	case c.Name == pipeline.DurableObjectives, c.Name == pipeline.DurableSituations, c.Name == pipeline.DurableOutcomes:
		finding.Commands = []Command{f.scale(layers.NameL5)}
	}
	return finding
}

// What a queue may come to.
const (
	lateAfter   = 30 * time.Second
	lostAfter   = 10 * time.Minute
	growingMost = 5.0 // signals more each second
)

// findBacklog says which layers are behind, though they move.
func findBacklog(f *Facts) (list []Finding) {
	n := f.NATS
	if n == nil || n.Last == nil {
		return nil
	}
	for _, line := range layerLines(f) {
		layer, err := layers.ParseName(line.Layer)
		if err != nil || !line.Known || line.Oldest < lateAfter || f.stands(layer) {
			continue
		}
		finding := Finding{
			ID: "behind", Severity: SeverityWarning,
			What:     fmt.Sprintf("%s is behind: the oldest of %s is %s old", line.Layer, plural(line.Waiting+line.Working, "signal"), age(line.Oldest)),
			Evidence: []string{trend(f, line)},
			Commands: []Command{f.scale(layer)},
		}
		if line.Oldest >= lostAfter && line.Trend > -growingMost {
			finding.Severity = SeverityCritical
		}
		if runners := f.runners(layer); runners >= 0 {
			finding.Evidence = append(finding.Evidence, fmt.Sprintf("%s; %s at most can share the work", plural(runners, "live process"), plural(n.Last.Partitions, "process")))
		}
		list = append(list, finding)
	}
	return list
}

// findUnmeasured says of which layers nobody knows how far behind they are: it may be the busy ones. What has no leader
// or is missing can't be measured either, and is told as that.
func findUnmeasured(f *Facts) (list []Finding) {
	if f.NATS == nil || len(findLost(f))+len(findMissing(f)) > 0 {
		return nil
	}
	for _, layer := range f.NATS.unmeasured() {
		var pending, taken uint64
		stages := stagesOf(f.NATS.Last.Partitions)
		for i := range f.NATS.Last.Streams {
			for _, c := range f.NATS.Last.Streams[i].Consumers {
				if at, ok := stages[c.Stream+"/"+c.Name]; ok && at == layer {
					pending, taken = pending+c.Pending, taken+uint64(max(0, c.AckPending))
				}
			}
		}
		finding := Finding{
			ID: "unmeasured", Severity: SeverityWarning, What: "what waits for " + layer.String() + " could not be measured: how far behind it is, nobody knows",
			Evidence: []string{fmt.Sprintf("its consumers say: %s messages wait, %s taken and not settled", number(pending), number(taken))},
			Commands: []Command{look(f.again(), "again: NATS is slow, or far away from here"), f.scale(layer)},
		}
		if runners := f.runners(layer); runners >= 0 {
			finding.Evidence = append(finding.Evidence, plural(runners, "live process"))
		}
		list = append(list, finding)
	}
	return merge(list, func(n int) string {
		return "what waits for " + plural(n, "layer") + " could not be measured: how far behind they are, nobody knows"
	})
}

// stands reports whether a layer stands still, which findStalled tells.
func (f *Facts) stands(layer layers.Name) bool {
	stages := stagesOf(f.NATS.Last.Partitions)
	for i := range f.NATS.Last.Streams {
		for _, c := range f.NATS.Last.Streams[i].Consumers {
			if at, ok := stages[c.Stream+"/"+c.Name]; ok && at == layer && still(f, &c) {
				return true
			}
		}
	}
	return false
}

func trend(f *Facts, line LayerLine) string {
	depth := line.Waiting + line.Working
	layer, _ := layers.ParseName(line.Layer)
	_, known := f.NATS.FirstQueues[layer]
	switch {
	case !known:
		return "whether it grows is not known: it could be measured only once"
	case line.Trend > growingMost:
		return fmt.Sprintf("it grows by %s signals a second", number(int(line.Trend)))
	case line.Trend < -growingMost:
		return fmt.Sprintf("it shrinks by %s a second: empty in about %s", number(int(-line.Trend)), age(time.Duration(float64(depth)/-line.Trend*float64(time.Second))))
	default:
		return "it neither grows nor shrinks"
	}
}

// findPaused says which consumers somebody paused.
func findPaused(f *Facts) (list []Finding) {
	if f.NATS == nil || f.NATS.Last == nil {
		return nil
	}
	for i := range f.NATS.Last.Streams {
		for _, c := range f.NATS.Last.Streams[i].Consumers {
			if c.Paused && isOurs(c.Stream) {
				list = append(list, Finding{
					ID: "paused", Severity: SeverityWarning, What: c.Name + " on " + c.Stream + " is paused",
					Evidence: []string{"for another " + age(c.PauseLeft) + ", " + number(c.Pending) + " messages wait"},
					Commands: []Command{run(f.nats("consumer resume "+c.Stream+" "+c.Name), "NATS's own tool")},
				})
			}
		}
	}
	return merge(list, func(n int) string { return plural(n, "consumer") + " are paused" })
}
