package operational

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// plant makes the signals of a plant in which things go wrong: metrics of hosts with spikes and shifts, log lines of services, alerts,
// something that falls silent, and what patterns ask for. All of it is in the order of event time.
type plant struct {
	random *rand.Rand
	clear  bool // whether what is unusual is so beyond doubt
	s      sent
	all    []*layers.Envelope
	from   time.Time
	length time.Duration
}

func newPlant(random *rand.Rand, isClear bool) *plant {
	p := &plant{random: random, clear: isClear, from: midnight.Add(time.Duration(random.IntN(86400)) * time.Second), length: 4 * time.Hour}
	for host := range 3 {
		p.host(fmt.Sprint("host-", host), host > 0)
	}
	for service := range 2 {
		p.logs(fmt.Sprint("service-", service))
	}
	p.alerts()
	p.logins()
	slices.SortStableFunc(p.all, func(a, b *layers.Envelope) int { return a.Time.Compare(b.Time) })
	return p
}

// some returns an event time in the later part, to the millisecond, so that no two signals are of one time.
func (p *plant) some() time.Time {
	return p.from.Add(p.length/3 + time.Duration(p.random.Int64N(int64(p.length/2))).Truncate(time.Millisecond))
}

// host adds the metrics of a host, which may fall silent.
func (p *plant) host(name string, mayStop bool) {
	every, stops := 15*time.Second, p.length
	if mayStop {
		every = []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute}[p.random.IntN(4)]
	}
	if every < time.Minute && mayStop && p.random.IntN(2) == 0 {
		stops = p.length / 4 * 3
	}
	for _, metric := range []string{"cpu", "latency"} {
		samples := int(p.length / every)
		troubles := p.troubles(samples)
		offset := time.Duration(p.random.Int64N(int64(every))).Truncate(time.Millisecond)
		for i := range samples {
			at := p.from.Add(time.Duration(i)*every + offset)
			if at.Sub(p.from) > stops && at.Sub(p.from) < stops+p.length/6 {
				continue
			}
			e := p.s.value(name, at, p.usual(i)+2*troubles[i])
			e.Source, e.Labels = "metrics", map[string]string{"host": name, "metric": metric}
			p.all = append(p.all, e)
		}
	}
}

func (p *plant) usual(i int) float64 {
	if p.clear {
		return steady(i)
	}
	return 40 + 2*p.random.NormFloat64()
}

// troubles are spikes and shifts, by sample.
func (p *plant) troubles(samples int) map[int]float64 {
	troubles, sizes := map[int]float64{}, []float64{3, 4, 5, 8, 30}
	if p.clear {
		sizes = []float64{50, 200}
	}
	for range p.random.IntN(4) {
		at, size := samples/3+p.random.IntN(samples/2), sizes[p.random.IntN(len(sizes))]
		for i := range []int{1, 2, 30}[p.random.IntN(3)] {
			troubles[at+i] = size
		}
	}
	return troubles
}

// logs adds the lines of a service: routine, warnings now and then, errors.
func (p *plant) logs(name string) {
	line := func(at time.Time, severity layers.Severity, text string) {
		e := p.s.text(name, at, severity, text)
		e.Source = "logs"
		if p.random.IntN(2) == 0 {
			e.Labels = map[string]string{"service": name}
		}
		p.all = append(p.all, e)
	}
	for at := p.from; at.Before(p.from.Add(p.length)); at = at.Add(time.Duration(1+p.random.IntN(20_000)) * time.Millisecond) {
		line(at, layers.SeverityInfo, "request served")
	}
	for range p.random.IntN(20) {
		line(p.some(), layers.SeverityWarning, "retry")
	}
	trouble := p.some()
	for range p.random.IntN(6) {
		at := trouble.Add(time.Duration(p.random.IntN(180_000)) * time.Millisecond)
		line(at, layers.SeverityWarning+layers.Severity(p.random.IntN(3)), fmt.Sprint("trouble ", p.random.IntN(3)))
	}
}

func (p *plant) alerts() {
	for range p.random.IntN(8) {
		e := p.s.signal(fmt.Sprint("host-", p.random.IntN(3)), p.some())
		e.Source, e.Type, e.Severity, e.Text = "alerts", "alert", layers.SeverityWarning+layers.Severity(p.random.IntN(2)), "disk full"
		e.Labels = map[string]string{"host": e.Key, labelStatus: "firing"}
		p.all = append(p.all, e)
	}
}

// logins are what a pattern counts.
func (p *plant) logins() {
	at := p.some()
	for host := range 3 * p.random.IntN(2) {
		e := p.s.text(fmt.Sprint("door-", host), at.Add(time.Duration(p.random.IntN(200))*time.Second), layers.SeverityInfo, "login failed")
		e.Source, e.Labels = "doors", map[string]string{"user": "eve"}
		p.all = append(p.all, e)
	}
}

// outcomes returns what situations come of the signals in this order, whatever they are called and whatever their anomaly. L2 says of the
// first of each template that it is new. Every so many signals the layer starts again from its snapshot.
func outcomes(tb testing.TB, all []*layers.Envelope, restart int) []string {
	tb.Helper()
	patterns := func(c *Config) { c.Patterns = testPatterns() }
	w := newWorld(tb, newLayer(tb, patterns))
	known := map[string]bool{}
	var newest time.Time
	for i, e := range all {
		fresh := *e
		if id := e.Source + e.Findings.TemplateID; e.Findings.TemplateID != "" && !known[id] {
			known[id], fresh.Findings.NewTemplate = true, true
		}
		if e.Time.After(newest) {
			newest = e.Time
		}
		fresh.ReceivedAt = newest.Add(time.Second)
		w.send(&fresh)
		if restart > 0 && i%restart == restart-1 {
			w.l = restarted(tb, w.l, patterns)
		}
	}
	w.take(w.l.correlator.tick(newest.Add(100*time.Hour)), newest)
	var said []string
	for _, s := range w.situations {
		slices.Sort(s.MemberIDs)
		var entities []string
		for _, e := range s.Entities {
			entities = append(entities, e.Name)
		}
		slices.Sort(entities)
		said = append(said, fmt.Sprintf("%s to %s %s %s %d %v %v", s.OpenedAt.Format(time.TimeOnly), s.UpdatedAt.Format(time.TimeOnly), s.Event,
			s.Severity, s.Members, entities, s.MemberIDs))
	}
	slices.Sort(said)
	return said
}

func restarted(tb testing.TB, l *Layer, change func(*Config)) *Layer {
	tb.Helper()
	snapshot, err := l.Snapshot()
	if err != nil {
		tb.Fatal(err)
	}
	fresh := newLayer(tb, change)
	if err := fresh.Restore(snapshot); err != nil {
		tb.Fatal(err)
	}
	return fresh
}

// inOrder returns the signals in the order of event time.
func inOrder(all []*layers.Envelope) []*layers.Envelope {
	return slices.SortedStableFunc(slices.Values(all), func(a, b *layers.Envelope) int { return a.Time.Compare(b.Time) })
}

// shrunk leaves out what need not be there for the order to matter, as long as it finds something within so many tries.
func shrunk(tb testing.TB, all []*layers.Envelope) []*layers.Envelope {
	tb.Helper()
	tries := 200
	for size := len(all) / 2; size > 0 && tries > 0; size /= 2 {
		for from := 0; from < len(all) && tries > 0; tries-- {
			fewer := slices.Concat(all[:from], all[min(from+size, len(all)):])
			if slices.Equal(outcomes(tb, fewer, 0), outcomes(tb, inOrder(fewer), 0)) {
				from += size
			} else {
				all = fewer
			}
		}
	}
	return all
}

// TestArrivalOrderWithinLatenessChangesNothingThatIsClear compares members, times, entities and severity of all situations.
func TestArrivalOrderWithinLatenessChangesNothingThatIsClear(t *testing.T) {
	situations := 0
	for seed := range uint64(16) {
		random := rand.New(rand.NewPCG(seed, 78))
		p := newPlant(random, true)
		want := outcomes(t, p.all, 0)
		situations += len(want)
		for _, restart := range []int{0, 997} {
			shuffled := delayed(random, p.all, time.Minute)
			got := outcomes(t, shuffled, restart)
			if slices.Equal(got, want) {
				continue
			}
			small := shrunk(t, shuffled)
			t.Errorf("seed %d, restart %d: another arrival order gives\n%s\nwant\n%s\nOf %d signals so many are enough:", seed, restart,
				strings.Join(got, "\n"), strings.Join(want, "\n"), len(shuffled))
			for _, e := range small[:min(len(small), 100)] {
				t.Log(e.Time.Format(time.TimeOnly), e.ID, e.Source, e.Key, e.Severity, e.Value, e.Text)
			}
			return
		}
	}
	if situations < 80 {
		t.Errorf("%d situations: want more", situations)
	}
}

// TestArrivalOrderWithinLatenessChangesLittleThatIsMarginal has series of noise, with deviations near the limits.
func TestArrivalOrderWithinLatenessChangesLittleThatIsMarginal(t *testing.T) {
	situations, other := 0, 0
	for seed := range uint64(16) {
		random := rand.New(rand.NewPCG(seed, 77))
		p := newPlant(random, false)
		want := outcomes(t, p.all, 0)
		got := outcomes(t, delayed(random, p.all, time.Minute), 0)
		situations += len(want)
		for _, s := range want {
			if !slices.Contains(got, s) {
				other++
			}
		}
	}
	t.Logf("of %d situations %d are not the same in another order of arrival", situations, other)
	if other*20 > situations {
		t.Errorf("of %d situations %d are not the same: want one in twenty at most", situations, other)
	}
}
