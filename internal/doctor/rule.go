package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/internal/emergency"
	"github.com/2lab-ai/hal9/layers"
)

// diagnose draws findings from facts. Rules that say the same in other words are asked in the order of cause and effect,
// and the effect is left out where its cause is found.
func diagnose(f *Facts) []Finding {
	findings := []Finding{}
	for _, rule := range []func(*Facts) []Finding{
		findReach, findDoors, findKubernetes, findLost, findMissing, findPeers, findStalled, findOwnerless, findBacklog, findUnmeasured, findPaused,
		findFull, findAccount, findDead, findObjectives, findScaler, findUnready, findSkew, findVersions, findMemory, findKills, findDisk, findErrors,
	} {
		findings = append(findings, rule(f)...)
	}
	for i := range findings {
		f.fitting(findings[i].Commands)
	}
	return findings
}

// fitting puts the commands first that fit how HAL9 runs here.
func (f *Facts) fitting(commands []Command) {
	there, program := f.inKubernetes(), f.client().Command()
	program, _, _ = strings.Cut(program, " --")
	slices.SortStableFunc(commands, func(a, b Command) int {
		strange := func(c *Command) int {
			kubectl := strings.HasPrefix(c.Run, program+" ") || strings.HasPrefix(c.Run, "kubectl ")
			if kubectl != there && (kubectl || strings.HasPrefix(c.Run, "hal9 run") || strings.HasPrefix(c.Run, "hal9 up") || strings.HasPrefix(c.Run, "systemctl")) {
				return 1
			}
			return 0
		}
		return strange(&a) - strange(&b)
	})
}

// run makes a command that does something; look one that only looks, and ends by itself, as it stands; advise one for
// people.
func run(line, why string) Command    { return Command{Run: line, Why: why, Changes: true} }
func look(line, why string) Command   { return Command{Run: line, Why: why} }
func advise(line, why string) Command { return Command{Run: line, Why: why, Advice: true} }

// scale is how more processes come to a layer.
func (f *Facts) scale(layer layers.Name) Command {
	if f.inCluster(layer) {
		return run(f.emergencyScale("--layer "+layer.String()), "more replicas now; without --yes it only shows")
	}
	return run(f.hal9("run --layer "+layer.String()), "one more process of "+layer.String()+", where there is no Kubernetes")
}

// runners returns how many live processes run a layer, -1 where that is not known.
func (f *Facts) runners(layer layers.Name) int {
	n := -1
	if f.NATS != nil && f.NATS.Census != nil {
		n = 0
		for _, member := range f.NATS.Census.Members {
			if slices.Contains(member.Layers, layer.String()) {
				n++
			}
		}
	}
	answered := 0
	for i := range f.Processes {
		if slices.Contains(f.Processes[i].Layers, layer.String()) {
			answered++
		}
	}
	if answered > 0 || n >= 0 {
		return max(n, answered)
	}
	return -1
}

func layerLines(f *Facts) []LayerLine {
	var lines []LayerLine
	for _, layer := range layers.Names() {
		line := LayerLine{Layer: layer.String(), Title: layer.Title(), Processes: f.runners(layer)}
		if n := f.NATS; n != nil {
			queue, ok := n.LastQueues[layer]
			line.Known, line.Waiting, line.Working, line.Oldest = ok, queue.Waiting, queue.Working+queue.Parked, queue.Oldest
			if before, known := n.FirstQueues[layer]; ok && known && n.Apart > 0 {
				line.Trend = (float64(queue.Depth()) - float64(before.Depth())) / n.Apart.Seconds()
			}
		}
		if f.Kubernetes != nil {
			for _, w := range f.Kubernetes.Workloads {
				if w.Name == emergency.Deployment(layer) {
					line.Pods = fmt.Sprintf("%d/%d", w.Ready, w.Wanted)
				}
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// place says in a few words what was looked at.
func place(f *Facts) string {
	var parts []string
	if f.NATS != nil {
		where := f.NATS.URL
		if last := f.NATS.Last; last != nil && last.Server.Cluster != "" {
			where += " (cluster " + last.Server.Cluster + ")"
		}
		parts = append(parts, where)
	}
	if k := f.Kubernetes; k != nil && k.Error == "" {
		parts = append(parts, "namespace "+k.Client.Namespace+" of "+k.Place.Cluster)
	}
	parts = append(parts, plural(len(f.Processes), "process")+" answered")
	return strings.Join(parts, ", ")
}
