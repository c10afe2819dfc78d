package operational

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

func TestSeriesAreBoundedAndTheOldestGoFirst(t *testing.T) {
	l, s := newLayer(t, func(c *Config) { c.MaxKeys = 100 }), &sent{}
	for i := range 1000 {
		decide(t, l, s.value(fmt.Sprint("key-", i), midnight, 1))
		decide(t, l, s.value("kept", midnight, 1))
	}
	if l.keys.count != 100 || len(l.keys.byID) != 100 {
		t.Errorf("%d series of %d keys: want 100", l.keys.count, len(l.keys.byID))
	}
	for _, key := range []string{"kept", "key-999", "key-901"} {
		if l.keys.byID[keyID{"test", key}] == nil {
			t.Errorf("%s was forgotten: want the least recently used to go", key)
		}
	}
}

func TestSeriesOfOneKeyAreBounded(t *testing.T) {
	l, s := newLayer(t), &sent{}
	for i := range 1000 {
		decide(t, l, s.text("web-1", midnight, layers.SeverityInfo, fmt.Sprint("message ", i)))
		decide(t, l, s.text("web-1", midnight, layers.SeverityInfo, "kept"))
	}
	k := l.keys.byID[keyID{"test", "web-1"}]
	kept := k.find(seriesID{kind: seriesTemplate, name: "t-kept"})
	if len(k.series) != keySeriesMax || l.keys.count != keySeriesMax || kept == nil || kept.rate.total != 1000 {
		t.Errorf("%d series, %d counted: want %d with the one in use among them", len(k.series), l.keys.count, keySeriesMax)
	}
}

func TestAMemberKeepsLittle(t *testing.T) {
	l, s := newLayer(t), &sent{}
	for i := range 20_000 {
		e := s.flagged(fmt.Sprint("key-", i), midnight, layers.SeverityError, 0.7)
		e.Labels = map[string]string{"host": fmt.Sprint("host-", i), "job": fmt.Sprint("job-", i), "cluster": "one"}
		e.TraceParent = fmt.Sprintf("00-%032x-%016x-01", i+1, i+1)
		decide(t, l, e)
	}
	if len(l.correlator.open) != 1 {
		t.Fatalf("%d situations: want one", len(l.correlator.open))
	}
	o := l.correlator.open[0]
	if len(o.tokens) > situationTokensMax || o.traces > situationTracesMax || len(o.entities) > situationEntitiesMax || len(l.correlator.related) > situationTokensMax {
		t.Errorf("%d tokens, %d traces, %d entities, %d relations: want them bounded", len(o.tokens), o.traces, len(o.entities), len(l.correlator.related))
	}
	if size := len(snapshotOf(t, l)); size > 100_000 {
		t.Errorf("a snapshot of %d bytes for one situation", size)
	}
}

func TestLongNamesAreCutAndStayDistinct(t *testing.T) {
	l, s := newLayer(t), &sent{}
	long := string(make([]byte, 100_000))
	for i := range 3 {
		e := s.value(long+strconv.Itoa(i), midnight.Add(time.Duration(i)*time.Second), 1)
		e.Source, e.Type = long, long
		decide(t, l, e)
	}
	if n := len(l.keys.byID); n != 3 {
		t.Errorf("%d keys: want 3", n)
	}
	if size := len(snapshotOf(t, l)); size > 3000 {
		t.Errorf("a snapshot of %d bytes for three keys with long names", size)
	}
}
