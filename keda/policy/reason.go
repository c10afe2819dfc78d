package policy

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// reason says in words what a decision follows from.
func reason(d *Decision) string {
	text := ruling(d)
	switch missing := min(d.Wanted, d.Before) - d.Reading.Replicas; {
	case d.Coming > 0:
		text += fmt.Sprintf("; %d asked for %s ago may be starting still", d.Coming, seconds(d.At.Sub(d.Asked)))
	case missing > 0:
		text += fmt.Sprintf("; %d are there", d.Reading.Replicas)
	}
	if d.Reading.Parked > 0 {
		text += fmt.Sprintf("; %s parked signals do not count, they wait for another try", count(float64(d.Reading.Parked)))
	}
	return text
}

func ruling(d *Decision) string {
	switch d.Term {
	case TermMin:
		if d.Config.Min == 0 {
			return need(d) + ": one replica, since the layer is not idle"
		}
		return fmt.Sprintf("%s: the minimum of %d is more", need(d), d.Wanted)
	case TermZero:
		return "nothing is unfinished, nothing comes in, and the minimum is 0"
	case TermMax:
		return fmt.Sprintf("%s: the maximum is %d", need(d), d.Wanted)
	case TermUseful:
		return fmt.Sprintf("%s, but the work is divided into %d partitions only", need(d), d.Reading.Partitions)
	case TermDeadBand:
		return fmt.Sprintf("%s: too close to %d to change it (dead band %g %%)", need(d), d.Wanted, 100*d.Config.DeadBand)
	case TermDraining:
		return fmt.Sprintf("%s are left of a backlog: the %d that were asked for stay until it is worked off", count(float64(d.Reading.Work())), d.Wanted)
	case TermDownstream:
		return need(d) + ", but the next layer holds this one back: more replicas would wait, too"
	case TermNoGain:
		return need(d) + ", but the last replicas that came brought no more throughput: something else is the bottleneck"
	case TermMeasuring:
		return need(d) + ", but what one can do is not measured yet: in a few seconds"
	case TermWatching:
		return need(d) + ", but the layer was not watched for long enough yet to take replicas away"
	default:
		return need(d)
	}
}

// need says how many replicas are needed by the largest term.
func need(d *Decision) string {
	switch {
	case d.Need == 0:
		return "nothing to do"
	case d.Need == d.Latency:
		return fmt.Sprintf("%.1f needed: the oldest signal is %s old (objective %s), and %s wait%s",
			d.Need, seconds(d.Reading.Oldest), seconds(d.Config.Latency), count(float64(d.Reading.Work())), each(d))
	case d.Need == d.Drain:
		return fmt.Sprintf("%.1f needed: a backlog of %s within %s%s", d.Need, count(d.Backlog), seconds(d.Config.Drain), each(d))
	case d.Feed > d.ArrivalRate:
		return fmt.Sprintf("%.1f needed: the layer below is about to send %s/s%s", d.Need, count(d.Feed), each(d))
	default:
		return fmt.Sprintf("%.1f needed: %s/s came in during the last %s%s", d.Need, count(d.ArrivalRate), seconds(d.Config.Drain), each(d))
	}
}

func each(d *Decision) string {
	if d.RateMeasured {
		return fmt.Sprintf(", one replica does %s/s", count(d.Rate))
	}
	return fmt.Sprintf(", one replica is taken to do %s/s", count(d.Rate))
}

// count writes a number of signals with commas, and small fractions as such.
func count(n float64) string {
	if n < 10 && n != float64(int(n)) {
		return strconv.FormatFloat(n, 'g', 2, 64)
	}
	text := strconv.FormatFloat(n, 'f', 0, 64)
	var b strings.Builder
	for i, c := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// seconds writes a time as people say it.
func seconds(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Millisecond).String()
	}
}
