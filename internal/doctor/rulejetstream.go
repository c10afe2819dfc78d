package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/2lab-ai/hal9/internal/bus"
)

// findLost says what has no leader.
func findLost(f *Facts) []Finding {
	n := f.NATS
	if n == nil || n.Last == nil {
		return nil
	}
	lost := slices.DeleteFunc(slices.Clone(n.Last.Lost), func(name string) bool { return !isOurs(name) })
	for i := range n.Last.Streams {
		s := &n.Last.Streams[i]
		if !isOurs(s.Name) {
			continue
		}
		if s.Group.Clustered && s.Group.Leader == "" {
			lost = append(lost, s.Name)
		}
		for _, name := range s.Lost {
			lost = append(lost, name+" on "+s.Name)
		}
		for _, c := range s.Consumers {
			if c.Group.Clustered && c.Group.Leader == "" {
				lost = append(lost, c.Name+" on "+s.Name)
			}
		}
	}
	if len(lost) == 0 {
		return nil
	}
	slices.Sort(lost) // A server may list what has no leader, and list it as missing, too.
	lost = slices.Compact(lost)
	evidence := []string{few(lost, 4)}
	if down := offline(n.Last); len(down) > 0 {
		evidence = append(evidence, "offline: "+strings.Join(slices.Sorted(maps.Keys(down)), ", "))
	}
	return []Finding{{
		ID: "lost-leader", Severity: SeverityCritical, What: plural(len(lost), "stream or consumer") + " without a leader: their signals stand still",
		Evidence: append(evidence, replicas(n.Last.Replicas)),
		Commands: []Command{
			run(f.kubectl("rollout restart statefulset/hal9-nats"), "one server after another; a leader is elected once a majority is up"),
			look(f.kubectl("get pods --selector app.kubernetes.io/component=nats -o wide"), "which server is down, and on which node"),
		},
	}}
}

func replicas(n int) string {
	if n == 1 {
		return "HAL9's streams have one copy only: what lies on a server is gone until it is back (hal9 provision --replicas 3 keeps three)"
	}
	return fmt.Sprintf("HAL9's streams have %d copies: a majority must be up", n)
}

// offline returns the servers that keep copies and are away, with how many copies each.
func offline(i *bus.Inspection) map[string]int {
	down := map[string]int{}
	eachGroup(i, func(_ string, g *bus.GroupView) {
		for _, peer := range g.Peers {
			if peer.Offline {
				down[peer.Name]++
			}
		}
	})
	return down
}

func eachGroup(i *bus.Inspection, visit func(name string, g *bus.GroupView)) {
	for at := range i.Streams {
		s := &i.Streams[at]
		if !isOurs(s.Name) {
			continue
		}
		visit(s.Name, &s.Group)
		for c := range s.Consumers {
			visit(s.Consumers[c].Name+" on "+s.Name, &s.Consumers[c].Group)
		}
	}
}

// lagMost is how many operations a copy may be behind and still count as following.
const lagMost = 1000

// findPeers says which servers are away or behind: nothing is lost yet.
func findPeers(f *Facts) []Finding {
	n := f.NATS
	if n == nil || n.Last == nil {
		return nil
	}
	var list []Finding
	down := offline(n.Last)
	for _, name := range slices.Sorted(maps.Keys(down)) {
		list = append(list, Finding{
			ID: "replica-offline", Severity: SeverityWarning, What: "NATS server " + name + " is away: HAL9 works on with one copy less",
			Evidence: []string{plural(down[name], "copy") + " there; the next server that goes may stop HAL9"},
			Commands: []Command{
				look(f.kubectl("describe pod "+name), "why it is down"),
				run("start it again on its data", "it catches up by itself"),
			},
		})
	}
	lagging := map[string]bool{}
	eachGroup(n.First, func(name string, g *bus.GroupView) {
		for _, peer := range g.Peers {
			if !peer.Offline && peer.Lag > lagMost {
				lagging[name+peer.Name] = true
			}
		}
	})
	var behind []string
	eachGroup(n.Last, func(name string, g *bus.GroupView) {
		for _, peer := range g.Peers {
			if !peer.Offline && peer.Lag > lagMost && lagging[name+peer.Name] {
				behind = append(behind, fmt.Sprintf("%s on %s: %s operations", name, peer.Name, number(peer.Lag)))
			}
		}
	})
	if len(behind) > 0 {
		list = append(list, Finding{
			ID: "replica-lags", Severity: SeverityWarning, What: plural(len(behind), "copy") + " behind their leader, in both looks",
			Evidence: []string{few(behind, shownOf)},
			Commands: []Command{look(f.nats("server report jetstream"), "is a disk or a network slow?")},
		})
	}
	return list
}

// findMissing says what of the topology is missing or otherwise than it should be.
func findMissing(f *Facts) (list []Finding) {
	n := f.NATS
	if n == nil || n.Last == nil {
		return nil
	}
	if !n.Last.Provisioned {
		return []Finding{{
			ID: "not-provisioned", Severity: SeverityCritical, What: "NATS runs, and HAL9 has no streams on it",
			Evidence: []string{"no stream HAL9_L1 at " + n.URL + ": never provisioned, another account, or the data is gone"},
			Commands: []Command{look(f.hal9("provision --dry-run"), "what would be made"), run(f.hal9("provision"), "make it; --partitions 60 --replicas 3 in production")},
		}}
	}
	size := " --partitions " + strconv.Itoa(n.Last.Partitions)
	if n.Last.Replicas > 1 {
		size += " --replicas " + strconv.Itoa(n.Last.Replicas)
	}
	provision := []Command{look(f.hal9("provision"+size+" --dry-run"), "what would be made"), run(f.hal9("provision"+size), "make it; nothing is ever deleted")}
	if missing := n.Last.Missing; len(missing) > 0 {
		list = append(list, Finding{
			ID: "missing", Severity: SeverityCritical, What: plural(len(missing), "stream or consumer") + " missing",
			Evidence: []string{few(missing, 6), "whatever needs them stands still or fails"}, Commands: provision,
		})
	}
	if changed := n.Last.Changed; len(changed) > 0 {
		evidence := make([]string, 0, len(changed))
		for _, c := range changed {
			evidence = append(evidence, c.Resource+": "+strings.Join(c.Diffs, ", "))
		}
		list = append(list, Finding{
			ID: "changed", Severity: SeverityWarning, What: plural(len(changed), "stream or consumer") + " otherwise than HAL9 makes them",
			Evidence: []string{few(evidence, shownOf)}, Commands: provision,
		})
	}
	return list
}
