package rehearsal

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/layers"
)

// said is a message at the time at which it comes.
type said struct {
	at      time.Time
	subject string
	text    string
}

// town makes the metrics and lines of hosts for some hours. In the last half hour all of them report a new error, warn of something new,
// each with names of its own, and become slow.
func town(hosts, hours int) []said {
	random := rand.New(rand.NewPCG(3, 5))
	users := []string{"bob", "eve", "ann", "tom", "ida", "max"}
	var all []said
	say := func(host int, at time.Time, subject, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		text = fmt.Sprintf(`{"id":"s-%d","timestamp":%q,"host":"host-%02d",%s}`, len(all), at.Format(time.RFC3339Nano), host, text)
		all = append(all, said{at, subject, text})
	}
	for minute := range hours * 60 {
		trouble := minute >= hours*60-30
		for host := range hosts {
			at := start.Add(time.Duration(minute)*time.Minute + time.Duration(host)*time.Second)
			latency, warning := 30+3*random.NormFloat64(), random.IntN(200)
			if trouble && minute%5 == 0 {
				latency *= 20
			}
			say(host, at, "hal9.signals.metrics", `"metric":"latency","value":%.2f`, latency)
			say(host, at.Add(100*time.Millisecond), "hal9.signals.metrics", `"metric":"cpu","value":%.2f`, 20+random.NormFloat64())
			say(host, at.Add(200*time.Millisecond), "hal9.signals.logs", `"level":"info","msg":"request %d served"`, random.IntN(9999))
			if warning == 0 {
				say(host, at.Add(300*time.Millisecond), "hal9.signals.logs", `"level":"warning","msg":"retry %d of upstream"`, random.IntN(9))
			}
			if trouble && random.IntN(3) == 0 {
				say(host, at.Add(400*time.Millisecond), "hal9.signals.logs", `"level":"error","msg":"connection to the database refused after %d ms"`, random.IntN(999))
			}
			if trouble && random.IntN(3) == 0 {
				say(host, at.Add(500*time.Millisecond), "hal9.signals.logs", `"level":"warning","msg":"login of user %s was refused by policy"`, users[random.IntN(len(users))])
			}
		}
	}
	slices.SortStableFunc(all, func(a, b said) int { return a.at.Compare(b.at) })
	return all
}

// listen plays messages with so many partitions and returns the situations as they were told last, in the order of their opening.
func listen(t *testing.T, all []said, partitions int) []layers.Situation {
	t.Helper()
	h := &hall{}
	r, err := NewSpread(config.Default(), start, h, partitions)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		err := r.Advance(t.Context(), m.at)
		if err == nil {
			err = r.Take(t.Context(), Message{Subject: m.subject, Data: []byte(m.text)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	last := map[string]layers.Situation{}
	for i := range h.situations {
		last[h.situations[i].ID] = h.situations[i]
	}
	var list []layers.Situation
	for id := range last {
		list = append(list, last[id])
	}
	slices.SortFunc(list, func(a, b layers.Situation) int {
		return cmp.Or(a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// TestPartitionsChangeNoSituation plays the same messages with one partition, with some, and with more than there are keys.
func TestPartitionsChangeNoSituation(t *testing.T) {
	t.Parallel()
	all := town(20, 3)
	want := listen(t, all, 1)
	if len(want) < 3 {
		t.Fatalf("%d situations: the messages prove nothing", len(want))
	}
	for _, partitions := range []int{4, 60} {
		got := listen(t, all, partitions)
		text := func(s layers.Situation) string { return fmt.Sprint(s.ID, " ", s.Severity, " ", s.Key, ": ", s.Title) }
		for _, s := range want {
			if !slices.ContainsFunc(got, func(o layers.Situation) bool { return o.ID == s.ID }) {
				t.Errorf("with one partition alone, not with %d: %s", partitions, text(s))
			}
		}
		for _, s := range got {
			if !slices.ContainsFunc(want, func(o layers.Situation) bool { return o.ID == s.ID }) {
				t.Errorf("with %d partitions alone: %s", partitions, text(s))
			}
		}
		t.Logf("%d messages, %d partitions: %d situations, %d with one", len(all), partitions, len(got), len(want))
	}
}

// TestPartitionsForgetNoSituation has the same troubles come back to some hosts: what L4 recalls, and how many L5 counts on a host, must not
// depend on the number of partitions.
func TestPartitionsForgetNoSituation(t *testing.T) {
	t.Parallel()
	count := func(partitions int) (recalled, first int) {
		h := &hall{}
		r, err := NewSpread(config.Default(), start, h, partitions)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 24 {
			at, host := start.Add(time.Duration(n)*time.Hour), n%6
			text := fmt.Sprintf(`{"id":"s-%d","timestamp":%q,"host":"host-%d","level":"critical","msg":"replication of host-%d broke"}`, n, at.Format(time.RFC3339), host, host)
			err := r.Advance(t.Context(), at)
			if err == nil {
				err = r.Take(t.Context(), Message{Subject: "hal9.signals.db", Data: []byte(text)})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range h.situations {
			if len(h.situations[i].Recalled) > 0 && h.situations[i].Event == layers.SituationUpdated {
				recalled++
			}
		}
		for i := range h.verdicts {
			if strings.Contains(h.verdicts[i].Reason, "1st situation on") {
				first++
			}
		}
		return recalled, first
	}
	for _, partitions := range []int{1, 4, 60} {
		if recalled, first := count(partitions); recalled != 23 || first != 6 {
			t.Errorf("%d partitions: %d situations recall others, %d are the first on their host, want 23 and 6", partitions, recalled, first)
		}
	}
}
