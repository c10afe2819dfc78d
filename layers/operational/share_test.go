package operational

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// fakePartitions are the partitions of a layer; the first correlates.
type fakePartitions []*Layer

func newPartitions(t *testing.T, n int) fakePartitions {
	t.Helper()
	var all fakePartitions
	for i := range n {
		cfg := DefaultConfig()
		cfg.Partitions, cfg.Partition = n, i
		l, err := New(cfg, i == 0, conditions)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// decide lets the partition of a signal's key decide, and the correlator where it is asked.
func (p fakePartitions) decide(t *testing.T, partition int, e *layers.Envelope) layers.Decision {
	t.Helper()
	d := decide(t, p[partition], e)
	if d.Correlate {
		d = decide(t, p[0], e)
	}
	if e.Findings.Evidence != nil && e.Findings.Evidence.Share != nil {
		t.Errorf("%s: what partitions tell each other is in its verdict: %+v", e.ID, e.Findings.Evidence.Share)
	}
	return d
}

// news makes a line that is the first of its template where L2 sees it.
func (s *sent) news(key, text string, severity layers.Severity, at time.Time) *layers.Envelope {
	e := s.text(key, at, severity, text)
	e.Source, e.Labels, e.Findings.NewTemplate = "app", map[string]string{"host": key}, true
	return e
}

// TestMessageIsNewsOnceForAllPartitions has hosts of different partitions say what none has said, in the words of each.
func TestMessageIsNewsOnceForAllPartitions(t *testing.T) {
	for name, c := range map[string]struct {
		first, then string
		want        layers.Disposition
	}{
		"the same words":    {"certificate of the gateway expires soon", "certificate of the gateway expires soon", layers.DispositionResolved},
		"another name":      {"login of bob was refused by policy", "login of eve was refused by policy", layers.DispositionResolved},
		"another message":   {"login of bob was refused by policy", "login of bob failed after three attempts", layers.DispositionEscalated},
		"another beginning": {"gateway certificate expires soon again", "broker certificate expires soon again", layers.DispositionEscalated},
		"two words":         {"disk slow", "disk hot", layers.DispositionEscalated},
	} {
		p, s := newPartitions(t, 3), &sent{}
		wantDecision(t, p.decide(t, 1, s.news("a", c.first, layers.SeverityWarning, midnight)), layers.DispositionEscalated, "opened situation", "never seen before")
		for i, own := range []int{2, 0} {
			d := p.decide(t, own, s.news(fmt.Sprint("b", own), c.then, layers.SeverityWarning, midnight.Add(time.Duration(i+1)*time.Second)))
			if i == 0 && d.Disposition != c.want {
				t.Errorf("%s: %s (%s): want %s", name, d.Disposition, d.Reason, c.want)
			} else if i == 1 && d.Disposition != layers.DispositionResolved {
				t.Errorf("%s: said again in the correlator's own partition: %s (%s)", name, d.Disposition, d.Reason)
			}
		}
		e := s.news("c", c.first, layers.SeverityWarning, midnight.Add(time.Minute))
		e.Source = "another"
		wantDecision(t, p.decide(t, 2, e), layers.DispositionEscalated, "never seen before")
		wantDecision(t, p.decide(t, 1, s.news("d", c.first, layers.SeverityCritical, midnight.Add(time.Minute))), layers.DispositionEscalated, "critical")
	}
}

// TestFirstErrorsAreCountedOverAllPartitions has a key of each partition fail for the first time.
func TestFirstErrorsAreCountedOverAllPartitions(t *testing.T) {
	p, s := newPartitions(t, 8), &sent{}
	opened := 0
	for i := range p {
		e := s.news(fmt.Sprint("host-", i), "connection refused", layers.SeverityError, midnight.Add(time.Duration(i)*time.Second))
		if p.decide(t, i, e).Disposition == layers.DispositionEscalated {
			opened++
		}
	}
	if opened != erredNews {
		t.Errorf("%d first errors opened a situation: want %d, as with one partition", opened, erredNews)
	}
}

// TestChanceCountsAllPartitions compares what comes by chance with partitions of which the correlator's has nothing, and with one.
func TestChanceCountsAllPartitions(t *testing.T) {
	one, p := newLayer(t), newPartitions(t, 5)
	var s sent
	for minute := range 180 {
		for key := range 8 {
			at := midnight.Add(time.Duration(minute)*time.Minute + time.Duration(key)*time.Second)
			decide(t, one, s.value(strconv.Itoa(key), at, steady(minute)))
			p.decide(t, 1+key%4, s.value(strconv.Itoa(key), at, steady(minute)))
		}
	}
	at := midnight.Add(180 * time.Minute)
	decide(t, one, s.value("0", at, 1e6))
	p.decide(t, 1, s.value("0", at, 1e6))
	if want, got := one.chance(), p[0].chance(); math.Abs(got-want) > 0.02 {
		t.Errorf("one of all reaches a surprise of %.2f by chance with 5 partitions, %.2f with one", got, want)
	}
}

// TestWhatPartitionsToldIsInTheSnapshot restores a correlator and lets both go on.
func TestWhatPartitionsToldIsInTheSnapshot(t *testing.T) {
	p, s := newPartitions(t, 3), &sent{}
	for i := range 40 {
		p.decide(t, i%3, s.news(fmt.Sprint("host-", i), fmt.Sprintf("fault %c of the pump in hall %c", 'a'+i, 'a'+i), layers.SeverityError, midnight.Add(time.Duration(i)*time.Minute)))
	}
	for i, l := range p {
		snapshot, err := l.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		other := newPartitions(t, 3)[i]
		if err := other.Restore(snapshot); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(l.shared, other.shared) {
			t.Errorf("partition %d: %+v, restored %+v", i, l.shared, other.shared)
		}
	}
	if len(p[0].shared.news) == 0 || len(p[0].shared.erring) == 0 || len(p[0].shared.others) == 0 {
		t.Errorf("the correlator knows nothing: %+v", p[0].shared)
	}
}

// TestWhatPartitionsTellIsBounded lets many sources tell many news.
func TestWhatPartitionsTellIsBounded(t *testing.T) {
	s := newShared()
	for i := range 3 * erringMax {
		s.tell(fmt.Sprint("source-", i), "key", fmt.Sprint("message ", i))
		s.err(fmt.Sprint("source-", i))
	}
	if len(s.news) > toldMax || len(s.erring) > erringMax {
		t.Errorf("%d messages and %d sources are remembered", len(s.news), len(s.erring))
	}
}

// TestPartitionSpeaksOfItsOwnWhereItHearsNothing has the only host of a partition fall silent, and come again.
func TestPartitionSpeaksOfItsOwnWhereItHearsNothing(t *testing.T) {
	for partitions, want := range map[int][]string{1: {"everything stopped"}, 2: {"web-1 (source logs) stopped", "web-1 (source metrics) stopped"}} {
		w := newWorld(t, newPartitions(t, partitions)[partitions-1])
		at := midnight
		for range 120 {
			w.sample("metrics", "web-1", at)
			w.sample("logs", "web-1", at.Add(time.Second))
			at = at.Add(time.Minute)
		}
		w.take(w.l.Tick(at.Add(10*time.Minute)), at.Add(10*time.Minute))
		w.wantTold(want...)
		if correlator := newWorld(t, newPartitions(t, partitions)[0]); partitions > 1 {
			for i, text := range w.told { // All of a partition's silence is one situation.
				own := ownSignal([]string{"logs", "metrics"}[i], fmt.Sprint("web-", i), at)
				own.ID, own.Type, own.Text, own.Data = fmt.Sprint("n", i), TypeAbsence, text, dataOf(noticeData{Absence: "a", Quiet: true, Anomaly: 0.7})
				correlator.send(&layers.Envelope{Signal: *own, ReceivedAt: at})
			}
			if len(correlator.opened) != 1 {
				t.Errorf("%q: want one situation", correlator.opened)
			}
		}
		w.told = nil
		at = at.Add(20 * time.Minute)
		w.sample("metrics", "web-1", at)
		w.sample("logs", "web-1", at.Add(time.Second))
		if len(w.told) != len(want) {
			t.Errorf("%d partitions: told %q when all came again", partitions, w.told)
		}
	}
}

// TestChanceIsThatOfThePartitionInHand has what one partition judges arrive early or late: what is judged of another must not depend on it.
func TestChanceIsThatOfThePartitionInHand(t *testing.T) {
	var chances []float64
	for _, early := range []int{1, 600} {
		p, s := newPartitions(t, 3), &sent{}
		p.decide(t, 2, s.value("busy", midnight, 1))
		for i := range early {
			decide(t, p[2], s.value("busy", midnight.Add(time.Duration(i)*time.Second), steady(i)))
		}
		p.decide(t, 2, s.news("busy", "it broke", layers.SeverityError, midnight.Add(10*time.Minute)))
		for i := range 60 {
			p.decide(t, 1, s.value("quiet", midnight.Add(time.Duration(i)*time.Minute), steady(i)))
		}
		p.decide(t, 1, s.news("quiet", "it stopped", layers.SeverityError, midnight.Add(time.Hour)))
		chances = append(chances, p[0].chance())
	}
	if chances[0] != chances[1] {
		t.Errorf("one of all reaches %v by chance: want the same, whatever another partition has judged by then", chances)
	}
}
