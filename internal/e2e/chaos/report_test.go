package chaos_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// table is what a run counts.
func (e *evidence) table(s settings, f *fleet, took time.Duration) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("seed", "%d", s.seed)
	row("signals", "%d about %d keys, %d partitions", len(e.script.key), e.script.keys, e.partitions)
	row("acknowledged", "%d (%d publishes repeated, %d of %d publishers without Nats-Msg-Id)",
		e.load.acknowledged.Load(), e.load.again.Load(), e.load.withoutID, publisherCount)
	row("verdicts", "%d", e.verdicts)
	for _, end := range slices.Sorted(maps.Keys(e.byEnd)) {
		row("  "+end, "%d", e.byEnd[end])
	}
	row("missing", "%d", e.missing)
	row("double", "%d", e.double)
	row("situations", "%d", len(e.situations))
	row("plan events", "%d", e.plans)
	row("plans with actions", "%d, %d actions taken by their target", len(e.courses), e.target.taken())
	row("dead letters", "%d", e.letters)
	row("order per key", "%d neighbours compared", e.pairs)
	row("faults", "%s", e.faultCounts())
	row("starts refused", "%d (NATS was away)", f.refused)
	for _, line := range e.gapLines() {
		row(line[0], "%s", line[1])
	}
	row("duration", "%s", took.Round(100*time.Millisecond))
	_ = w.Flush() // It writes to memory.
	return b.String()
}

func (e *evidence) faultCounts() string {
	counts := map[string]int{}
	for _, s := range e.strikes {
		counts[s.kind]++
	}
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s %d", kind, counts[kind]))
	}
	return fmt.Sprintf("%d: %s", len(e.strikes), strings.Join(words, ", "))
}

// gapLines summarises how long partitions gave nothing after losing a process.
func (e *evidence) gapLines() [][2]string {
	calm, disturbed := map[string][]time.Duration{}, map[string]int{}
	for _, g := range e.gaps() {
		name := "  " + g.layer + " after " + g.kind
		if g.disturbed {
			disturbed[name]++
		} else {
			calm[name] = append(calm[name], g.length)
		}
	}
	lines := [][2]string{{"takeover", "from the fault until the slowest partition of a layer gave something again, idle time included"}}
	names := slices.Sorted(maps.Keys(calm))
	for _, name := range names {
		list := calm[name] // sorted
		text := fmt.Sprintf("median %s, worst %s of %d", list[len(list)/2].Round(10*time.Millisecond), list[len(list)-1].Round(10*time.Millisecond), len(list))
		if n := disturbed[name]; n > 0 {
			text += fmt.Sprintf("; %d left out, other faults came in between", n)
		}
		lines = append(lines, [2]string{name, text})
	}
	return lines
}

// strikeList tells all faults with their moments.
func strikeList(strikes []strike) string {
	var b strings.Builder
	for _, s := range strikes {
		fmt.Fprintf(&b, "    %s %-8s %s", s.at.Format(clockFormat), s.kind, s.what)
		if !s.back.IsZero() {
			fmt.Fprintf(&b, ", over after %s", s.back.Sub(s.at).Round(10*time.Millisecond))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// trails tells where the signals lie that something is wrong with: in every stream that carries them.
func (e *evidence) trails(ctx context.Context, js jetstream.JetStream) string {
	trail := map[int][]string{}
	for _, i := range e.found.signals() {
		trail[i] = nil
	}
	if len(trail) == 0 {
		return ""
	}
	streams := []string{"HAL9_L1"}
	for _, layer := range keyedNames {
		more, _ := streamsOf(ctx, js, layer)
		streams = append(streams, more...)
	}
	streams = append(streams, "HAL9_DEAD")
	note := func(i int, m entry, what string) {
		if _, wanted := trail[i]; wanted {
			trail[i] = append(trail[i], fmt.Sprintf("%s %s %d on %s%s", m.at.Local().Format(clockFormat), m.stream, m.seq, m.subject, what))
		}
	}
	var problems []string
	for _, stream := range streams {
		err := readStream(ctx, js, stream, func(m entry) {
			for _, i := range marks(m.msg.Data(), len(e.script.key)) {
				note(i, m, "")
			}
		})
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	err := readStream(ctx, js, "HAL9_VERDICTS", func(m entry) {
		if i, ok := e.script.indexOf(signalIDOf(m.msg.Data())); ok {
			note(i, m, " "+string(m.msg.Data()))
		}
	})
	if err != nil {
		problems = append(problems, err.Error())
	}
	var b strings.Builder
	for _, i := range slices.Sorted(maps.Keys(trail)) {
		slices.Sort(trail[i])
		fmt.Fprintf(&b, "    %s %s, %s of %s (partition %d)\n", idOf(i), contentNames[e.script.kind[i]],
			ordinal(e.script.seq[i]), e.script.keyOf(i), e.partitionOf(i))
		for _, line := range trail[i] {
			fmt.Fprintf(&b, "        %s\n", line)
		}
	}
	for _, problem := range problems {
		fmt.Fprintf(&b, "    %s\n", problem)
	}
	return b.String()
}

// signalIDOf cuts the id out of a verdict; for so many there is no time to decode them again.
func signalIDOf(data []byte) string {
	_, rest, _ := strings.Cut(string(data), `"signal_id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}
