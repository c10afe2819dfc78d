package doctor

import (
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/internal/kube"
)

// findReach says that NATS can't be reached, or does not do its work.
func findReach(f *Facts) []Finding {
	n := f.NATS
	if n == nil || n.Error == "" {
		return nil
	}
	if n.Silent {
		return []Finding{{
			ID: "jetstream-silent", Severity: SeverityCritical, What: "NATS answers, JetStream does not: nothing moves, nothing is taken in",
			Evidence: []string{n.URL + ": " + n.Error, "a cluster whose majority is gone has no leader and answers so"},
			Commands: []Command{
				look(f.nats("server report jetstream"), "which servers are up, who leads (NATS's own tool, with a system account)"),
				run("start the servers that are down, on their data", "two of three must be up; what is stored is safe on their disks"),
			},
		}}
	}
	severity := SeverityCritical
	if f.inKubernetes() && !f.Kubernetes.natsDown() {
		severity = SeverityWarning // It may well be up, and only not reachable from here.
	}
	return []Finding{{
		ID: "nats-unreachable", Severity: severity, What: "NATS can't be reached at " + n.URL,
		Evidence: []string{n.Error, plural(len(f.Processes), "process") + " answered over HTTP"},
		Commands: []Command{
			advise(f.kubectl("port-forward service/hal9-nats 4222"), "in Kubernetes: then look again"),
			advise("hal9 doctor --nats nats://HOST:4222", "where it is another address"),
			run("hal9 up", "where all of HAL9 runs on this machine, in one process"),
		},
	}}
}

// findDoors says which processes that were asked by name do not answer.
func findDoors(f *Facts) (list []Finding) {
	for _, door := range f.Doors {
		if door.Error != "" && door.Asked {
			list = append(list, Finding{
				ID: "process-unreachable", Severity: SeverityCritical, What: "nothing answers at " + door.URL,
				Evidence: []string{door.Error},
				Commands: []Command{look("curl -sS --max-time 10 "+kube.Quote(door.URL+"/readyz"), "what it says for itself, once it answers")},
			})
		}
	}
	return list
}

// findUnready says which processes can't do their work.
func findUnready(f *Facts) (list []Finding) {
	for i := range f.Processes {
		p := &f.Processes[i]
		if p.Ready {
			continue
		}
		list = append(list, Finding{
			ID: "not-ready", Severity: SeverityWarning, What: p.title() + " is not ready",
			Evidence: p.Failing,
			Commands: []Command{advise("its log", "where it runs: "+p.Name+" is host/process/token")},
		})
	}
	return merge(list, func(n int) string { return plural(n, "process") + " are not ready" })
}

// shownOf bounds how many of the same are told one by one.
const shownOf = 3

// merge makes one finding of many of the same kind.
func merge(list []Finding, what func(n int) string) []Finding {
	if len(list) <= 1 {
		return list
	}
	one := list[0]
	one.What, one.Evidence = what(len(list)), nil
	for i := range list {
		if i == shownOf {
			one.Evidence = append(one.Evidence, plural(len(list)-shownOf, "other"))
			break
		}
		line := list[i].What
		if len(list[i].Evidence) > 0 {
			line += ": " + list[i].Evidence[0]
		}
		one.Evidence = append(one.Evidence, line)
	}
	return []Finding{one}
}

// findVersions says that processes are of different builds.
func findVersions(f *Facts) []Finding {
	builds := map[string][]string{}
	for i := range f.Processes {
		p := &f.Processes[i]
		name := p.Version + " (" + p.Commit + ")"
		builds[name] = append(builds[name], p.title())
	}
	if len(builds) < 2 {
		return nil
	}
	var evidence []string
	for name, who := range builds {
		evidence = append(evidence, name+": "+few(who, shownOf))
	}
	slices.Sort(evidence)
	return []Finding{{
		ID: "version-skew", Severity: SeverityWarning, What: "processes of " + plural(len(builds), "version") + " run side by side",
		Evidence: evidence,
		Commands: []Command{look(f.kubectl("rollout status deployment --watch=false --selector app.kubernetes.io/name=hal9"), "is a rollout under way, or stuck?")},
	}}
}

// skewMost is by how much clocks may differ: windows are in event time, and ages are told by the clock.
const skewMost = 1_000_000_000 // nanoseconds: 1 s

// findSkew says whose clock is wrong.
func findSkew(f *Facts) []Finding {
	var evidence []string
	add := func(who string, skew, fuzz int64) {
		if magnitude := max(skew, -skew); magnitude-fuzz > skewMost {
			evidence = append(evidence, who+": "+skewed(skew)+" of this machine")
		}
	}
	if n := f.NATS; n != nil && n.Last != nil {
		add("NATS server "+n.Last.Server.Name, int64(n.Last.Skew), int64(n.Last.Server.RTT))
	}
	for i := range f.Processes {
		add(f.Processes[i].title(), int64(f.Processes[i].Skew), int64(f.Processes[i].Fuzzy))
	}
	if len(evidence) == 0 {
		return nil
	}
	if len(evidence) > shownOf {
		evidence = append(evidence[:shownOf], strings.TrimSpace(plural(len(evidence)-shownOf, "other")))
	}
	return []Finding{{
		ID: "clock-skew", Severity: SeverityWarning, What: "clocks differ by more than a second", Evidence: evidence,
		Commands: []Command{look("timedatectl status", "on those machines, and on this one: is the clock set over the network?")},
	}}
}
