package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

// Shares of a bound at which something is near it, and at it.
const (
	nearFull = 0.80
	full     = 0.95
)

func fullness(share float64) (Severity, bool) {
	switch {
	case share >= full:
		return SeverityCritical, true
	case share >= nearFull:
		return SeverityWarning, true
	default:
		return "", false
	}
}

// findFull says which streams will refuse what comes, since what they hold may not be dropped.
func findFull(f *Facts) (list []Finding) {
	n := f.NATS
	if n == nil || n.Last == nil {
		return nil
	}
	for i := range n.Last.Streams {
		s := &n.Last.Streams[i]
		if !s.Refuses || s.MaxBytes <= 0 || !isOurs(s.Name) {
			continue
		}
		severity, near := fullness(float64(s.Bytes) / float64(s.MaxBytes))
		if !near {
			continue
		}
		finding := Finding{
			ID: "stream-full", Severity: severity, What: fmt.Sprintf("%s is %s full and refuses what comes when it is full", s.Name, share(s.Bytes, uint64(s.MaxBytes))),
			Evidence: []string{fmt.Sprintf("%s of %s, %s messages", bytes(s.Bytes), bytes(s.MaxBytes), number(s.Messages))},
			Commands: []Command{
				advise(f.hal9("provision --dry-run --store-bytes BYTES"), "a larger bound for all streams together; what exists only ever grows"),
				look(f.again(), "a layer that stands still or is behind fills its stream: cure that first"),
			},
		}
		if strings.HasPrefix(s.Name, "KV_") || strings.HasPrefix(s.Name, "OBJ_") {
			finding.Commands = []Command{look(f.nats("stream info "+s.Name), "what fills it (NATS's own tool)"), run(f.nats("stream edit "+s.Name+" --max-bytes BYTES"), "a larger bound")}
		}
		list = append(list, finding)
	}
	return list
}

// findAccount says that JetStream as a whole is near its bounds.
func findAccount(f *Facts) (list []Finding) {
	n := f.NATS
	if n == nil || n.Last == nil {
		return nil
	}
	account := n.Last.Account
	for _, bound := range []struct {
		name string
		used uint64
		most int64
	}{{"disk", account.Store, account.MaxStore}, {"memory", account.Memory, account.MaxMemory}} {
		if bound.most <= 0 {
			continue
		}
		if severity, near := fullness(float64(bound.used) / float64(bound.most)); near {
			list = append(list, Finding{
				ID: "account-full", Severity: severity, What: "NATS's account has used " + share(bound.used, uint64(bound.most)) + " of its " + bound.name,
				Evidence: []string{bytes(bound.used) + " of " + bytes(bound.most)},
				Commands: []Command{look(f.nats("account info"), "what uses it (NATS's own tool)")},
			})
		}
	}
	return list
}

// findDisk says that NATS's disk is nearly full.
func findDisk(f *Facts) []Finding {
	if f.Host == nil || f.Host.Disk == nil || f.Host.Disk.Total == 0 {
		return nil
	}
	disk := f.Host.Disk
	severity := SeverityWarning
	switch left := float64(disk.Free) / float64(disk.Total); {
	case left >= 0.10:
		return nil
	case left < 0.04:
		severity = SeverityCritical
	}
	return []Finding{{
		ID: "disk-full", Severity: severity, What: "the disk of NATS's data has " + share(disk.Free, disk.Total) + " left",
		Evidence: []string{disk.Path + ": " + bytes(disk.Free) + " of " + bytes(disk.Total) + " free; without room NATS stores nothing"},
		Commands: []Command{look("du -xh --max-depth=2 "+kube.Quote(disk.Path)+" | sort -h | tail", "what is large"), look("df -h "+kube.Quote(disk.Path), "")},
	}}
}

// findMemory says which processes are near their bound.
func findMemory(f *Facts) (list []Finding) {
	for i := range f.Processes {
		p := &f.Processes[i]
		m := &p.Memory
		used := max(m.Resident, min(m.Used, m.Heap*2)) // The group's figure counts files that the kernel can drop.
		if m.Limit > 0 && used > 0 && float64(used)/float64(m.Limit) > 0.9 {
			list = append(list, Finding{
				ID: "memory", Severity: SeverityWarning, What: p.title() + " has used " + share(used, m.Limit) + " of its memory",
				Evidence: []string{bytes(used) + " of " + bytes(m.Limit) + "; beyond that the kernel kills it"},
				Commands: append(f.scaleOf(p), look(f.kubectl("top pods"), "who uses how much")),
			})
		} else if m.GoLimit > 0 && float64(m.Heap)/float64(m.GoLimit) > 0.95 {
			list = append(list, Finding{
				ID: "memory", Severity: SeverityWarning, What: p.title() + " is at its GOMEMLIMIT: it collects garbage instead of working",
				Evidence: []string{bytes(m.Heap) + " of " + bytes(m.GoLimit)},
				Commands: append(f.scaleOf(p), look(f.kubectl("top pods"), "who uses how much")),
			})
		}
	}
	return merge(list, func(n int) string { return plural(n, "process") + " are near their memory's bound" })
}

// scaleOf is how more processes share the load of one: of its highest layer; one without a layer has none to share.
func (f *Facts) scaleOf(p *Process) []Command {
	if len(p.Layers) == 0 {
		return nil
	}
	layer, err := layers.ParseName(p.Layers[len(p.Layers)-1])
	if err != nil {
		return nil
	}
	return []Command{f.scale(layer)}
}

// recentKill is how long ago a kill is still the trouble of now.
const recentKill = time.Hour

// findKills says who was killed for want of memory.
func findKills(f *Facts) (list []Finding) {
	for i := range f.Processes {
		p := &f.Processes[i]
		if p.Memory.OOMKills > 0 {
			list = append(list, Finding{
				ID: "oom-kill", Severity: SeverityWarning, What: "the kernel killed something beside " + p.title() + " for want of memory",
				Evidence: []string{fmt.Sprintf("oom_kill %d in its control group since that was made; bound %s", p.Memory.OOMKills, bytes(p.Memory.Limit))},
				Commands: append([]Command{look(f.kubectl("get pods -o wide"), "restarts, and why")}, f.scaleOf(p)...),
			})
		}
	}
	list = merge(list, func(n int) string { return "the kernel killed for want of memory beside " + plural(n, "process") })
	if f.Host == nil {
		return list
	}
	for _, kill := range f.Host.Kills {
		ours := strings.Contains(kill.Process, "hal9") || strings.Contains(kill.Process, "nats")
		if !ours {
			continue
		}
		severity := SeverityWarning
		if f.At.Sub(kill.At) < recentKill {
			severity = SeverityCritical
		}
		where := "this machine's memory was used up"
		if kill.Group {
			where = "its control group's memory was used up"
		}
		list = append(list, Finding{
			ID: "oom-kill", Severity: severity, What: fmt.Sprintf("the kernel killed %s for want of memory %s ago", kill.Process, age(f.At.Sub(kill.At))),
			Evidence: []string{fmt.Sprintf("kernel log: process %d at %s; %s", kill.PID, kill.At.UTC().Format(time.RFC3339), where)},
			Commands: []Command{look("dmesg -T | grep -i 'killed process'", "all of them"), look("free -h", "")},
		})
	}
	return list
}
