package host

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Kill is a process that the kernel killed for want of memory.
type Kill struct {
	At      time.Time `json:"at"`
	PID     int       `json:"pid"`
	Process string    `json:"process"`
	Group   bool      `json:"cgroup"` // its control group's memory was used up, not the machine's
}

var killed = regexp.MustCompile(`(Memory cgroup out|Out) of memory: Killed process (\d+) \(([^)]*)\)`)

// kills reads the records of the kernel's log: "priority,number,microseconds since boot,flags;text".
func kills(log string, boot time.Time) (list []Kill) {
	for line := range strings.Lines(log) {
		head, text, _ := strings.Cut(line, ";")
		match := killed.FindStringSubmatch(text)
		fields := strings.Split(head, ",")
		if match == nil || len(fields) < 3 {
			continue
		}
		micros, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			continue
		}
		pid, _ := strconv.Atoi(match[2])
		list = append(list, Kill{
			At: boot.Add(time.Duration(micros) * time.Microsecond), PID: pid, Process: match[3], Group: strings.HasPrefix(match[1], "Memory"),
		})
	}
	return list
}

// boot returns when the machine started.
func (r Reader) boot(now time.Time) time.Time {
	up, _, _ := strings.Cut(r.read("proc/uptime"), " ")
	seconds, _ := strconv.ParseFloat(up, 64)
	return now.Add(-time.Duration(seconds * float64(time.Second)))
}
