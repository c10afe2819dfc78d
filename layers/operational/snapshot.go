package operational

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/2lab-ai/hal9/layers"
)

// snapshotMagic begins every snapshot; its last byte is the version of the layout.
const snapshotMagic = "hal9L3\x08"

// Layouts of earlier versions, which are read, too: the first knew nothing of the hours of the day, the second nothing of absence, the
// third nothing of tunings, the fourth of the order of samples, the fifth of how often alerts come and how many keys had errors,
// the sixth of what partitions tell each other and of plans, the seventh of how long events lasted and at what time of the day.
const (
	snapshotFirst     = 1
	snapshotAbsence   = 3
	snapshotTuning    = 4
	snapshotTimeline  = 5
	snapshotPaces     = 6
	snapshotShared    = 7
	snapshotIncidents = 8
	snapshotNow       = snapshotIncidents
)

// Snapshot returns the whole state: the keys from the least to the most recently used, then the
// open situations in the order of their opening. The same state gives the same bytes.
func (l *Layer) Snapshot() ([]byte, error) {
	c := &codec{buf: []byte(snapshotMagic), layout: snapshotNow}
	c.absences(l.absences)
	keys := uint64(len(l.keys.byID))
	c.uint(&keys)
	for k := l.keys.oldest; k != nil; k = k.newer {
		c.key(k)
	}
	var open []*openSituation
	var milds []mild
	var paces map[string]*alertPace
	if l.correlator != nil {
		open, milds, paces = l.correlator.open, l.correlator.milds, l.correlator.paces
	}
	list(c, &open, 1, func(s **openSituation) { c.situation(*s) })
	c.milds(&milds)
	c.topology(l.graph)
	c.watcher(l.watcher)
	c.tuning(&l.tunings)
	c.paces(paces)
	c.shared(l.shared)
	return binary.LittleEndian.AppendUint32(c.buf, crc32.ChecksumIEEE(c.buf)), nil
}

// Restore replaces the whole state by that of a snapshot. On an error the state stays as it is.
func (l *Layer) Restore(snapshot []byte) error {
	c, err := openSnapshot(snapshot)
	if err != nil {
		return fmt.Errorf("operational: snapshot: %w", err)
	}
	absences := newAbsences(l.cfg)
	if c.layout >= snapshotAbsence {
		c.absences(absences)
	}
	keys := newKeyTable(l.cfg.MaxKeys, absences.forget)
	for range c.count(0, 4) {
		k := &keyState{}
		c.key(k)
		if c.err != nil {
			break
		}
		if _, ok := keys.byID[k.id]; ok {
			return fmt.Errorf("operational: snapshot: key %q stands twice in it", k.id.key)
		}
		keys.insert(k)
		absences.restore(k)
	}
	absences.drop()
	keys.trim()
	var open []*openSituation
	list(c, &open, 1, func(s **openSituation) {
		*s = &openSituation{}
		c.situation(*s)
	})
	var milds []mild
	graph, watcher := newTopology(), l.watcher.fresh()
	if c.layout >= snapshotAbsence {
		c.milds(&milds)
		c.topology(graph)
		c.watcher(watcher)
	}
	var tunings layers.Tunings
	c.tuning(&tunings)
	paces, others := c.readPaces(), c.readShared()
	if c.err == nil && len(c.buf) > 0 {
		c.err = fmt.Errorf("%d bytes follow its end", len(c.buf))
	}
	if c.err == nil && len(open) > 0 && l.correlator == nil {
		c.err = errors.New("it holds situations, and this instance is no correlator")
	}
	if c.err != nil {
		return fmt.Errorf("operational: snapshot: %w", c.err)
	}
	l.keys, l.absences, l.graph, l.watcher, l.tunings, l.shared = keys, absences, graph, watcher, tunings, others
	l.restoreOpen(open, milds, paces)
	return nil
}

// restoreOpen gives the correlator what it had open, where this instance is one.
func (l *Layer) restoreOpen(open []*openSituation, milds []mild, paces map[string]*alertPace) {
	if l.correlator == nil {
		return
	}
	l.correlator = newCorrelator(l.cfg)
	l.correlator.chance, l.correlator.milds, l.correlator.paces, l.correlator.graph = l.chance, milds, paces, l.graph
	for _, s := range open {
		s.graph = l.graph
		l.correlator.insert(s)
	}
}

// openSnapshot checks what surrounds the state.
func openSnapshot(snapshot []byte) (*codec, error) {
	const sumSize = 4
	end := len(snapshot) - sumSize
	switch {
	case end < len(snapshotMagic) || string(snapshot[:len(snapshotMagic)-1]) != snapshotMagic[:len(snapshotMagic)-1]:
		return nil, errors.New("this is no snapshot of this layer")
	case snapshot[len(snapshotMagic)-1] < snapshotFirst || snapshot[len(snapshotMagic)-1] > snapshotNow:
		return nil, fmt.Errorf("layout %d is unknown", snapshot[len(snapshotMagic)-1])
	case crc32.ChecksumIEEE(snapshot[:end]) != binary.LittleEndian.Uint32(snapshot[end:]):
		return nil, errors.New("its checksum is wrong")
	}
	return &codec{reading: true, layout: snapshot[len(snapshotMagic)-1], buf: snapshot[len(snapshotMagic):end]}, nil
}

func (c *codec) key(k *keyState) {
	c.text(&k.id.source)
	c.text(&k.id.key)
	c.time(&k.watermark)
	c.uint(&k.late)
	c.uint(&k.lateRun)
	c.bool(&k.erred)
	if c.layout >= snapshotAbsence {
		c.activity(&k.active)
		c.habit(&k.habit)
	}
	list(c, &k.series, 4, c.series)
	if len(k.series) > keySeriesMax {
		c.fail()
	}
}

func (c *codec) series(s *series) {
	kind := uint64(s.id.kind)
	c.uint(&kind)
	if kind < uint64(seriesValue) || kind > uint64(seriesClass) {
		c.fail()
		kind = uint64(seriesValue)
	}
	if c.reading {
		*s = newSeries(seriesID{kind: seriesKind(kind)})
	}
	c.text(&s.id.name)
	c.text(&s.id.detail)
	if c.layout >= snapshotAbsence {
		c.habit(&s.habit)
	}
	if s.rate != nil {
		c.rate(s.rate)
		return
	}
	s.numeric.learnt.counts = s.id.counts()
	c.baseline(&s.numeric.learnt)
	if c.layout >= snapshotTimeline {
		c.timeline(s.numeric)
	}
}

func (c *codec) rate(r *rate) {
	c.int(&r.bucket)
	r.fields(c.float)
	if c.layout < snapshotTimeline {
		r.before = r.wont()
		return
	}
	c.int(&r.first)
	c.float(&r.before.count)
	c.bool(&r.before.learning)
}

// timeline describes what waits to be learnt.
func (c *codec) timeline(t *timeline) {
	c.time(&t.newest)
	c.small(&t.ordered)
	c.bool(&t.mixed)
	list(c, &t.recent, 20, func(r *recent) {
		c.time(&r.at)
		c.text(&r.id)
		c.severity(&r.severity)
		c.float(&r.value)
		c.small(&r.looks)
		c.float(&r.anomaly)
	})
	if len(t.recent) > recentMax {
		c.fail()
	}
}

// baseline writes the first samples while the baseline learns, and its detectors afterwards.
func (c *codec) baseline(b *baseline) {
	c.float(&b.samples)
	if b.samples >= baselineMinSamples {
		if c.layout == snapshotFirst {
			b.fieldsFirst(c.float)
			return
		}
		b.fields(c.float)
		if c.layout >= snapshotAbsence {
			list(c, &b.record.events, 16, func(e *event) {
				c.float(&e.surprise)
				c.float(&e.begin)
				if c.layout >= snapshotIncidents {
					c.float32(&e.hour)
					c.float32(&e.lasted)
				}
			})
			if len(b.record.events) > recordsKept {
				c.fail()
			}
		}
		c.int(&b.since)
		has := b.daily != nil
		c.bool(&has)
		if has {
			c.daily(b)
		}
		return
	}
	list(c, &b.first, 8, c.float)
	if float64(len(b.first)) != b.samples {
		c.fail()
	}
}

// daily leaves out the hours about which nothing is known: each list begins with a mask of those that follow.
func (c *codec) daily(b *baseline) {
	if c.reading {
		b.daily = &daily{}
	}
	d := b.daily
	c.int(&d.hour)
	d.now.fields(c.float)
	c.hours(func(h int) bool { return d.days[h] > 0 }, func(h int) {
		days := int(d.days[h])
		c.small(&days)
		if days < 1 || days > daysKept {
			c.fail()
		}
		d.days[h] = uint8(min(days, daysKept))
		c.float(&d.means[h])
	})
	for day := range excessHours / dayHours {
		at := dayHours * day
		c.hours(func(h int) bool { return d.excess[at+h] > 0 }, func(h int) { c.float32(&d.excess[at+h]) })
	}
}

// hours visits the hours of the day that hold something.
func (c *codec) hours(holds func(hour int) bool, each func(hour int)) {
	mask := uint64(0)
	for h := range dayHours {
		if !c.reading && holds(h) {
			mask |= 1 << h
		}
	}
	c.uint(&mask)
	if mask >= 1<<dayHours {
		c.fail()
		return
	}
	for h := range dayHours {
		if mask>>h&1 == 1 {
			each(h)
		}
	}
}
