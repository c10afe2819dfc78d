package operational

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/layertest"
)

// sealed gives a snapshot the checksum that its bytes should have.
func sealed(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(body), crc32.ChecksumIEEE(body))
}

func snapshotOf(tb testing.TB, l *Layer) []byte {
	tb.Helper()
	snapshot, err := l.Snapshot()
	if err != nil {
		tb.Fatal(err)
	}
	return snapshot
}

func TestRestoreRefusesWhatItCannotRead(t *testing.T) {
	l, s := newLayer(t), &sent{}
	decide(t, l, s.flagged("web-1", midnight, layers.SeverityWarning, 0.6))
	decide(t, l, s.value("web-1", midnight, 41))
	good := snapshotOf(t, l)
	body := good[:len(good)-4]
	for name, bad := range map[string][]byte{
		"nothing":        nil,
		"other bytes":    []byte("no snapshot of anything"),
		"other layout":   sealed(append([]byte("hal9L3\x09"), body[7:]...)),
		"wrong checksum": append(bytes.Clone(body), 1, 2, 3, 4),
		"cut":            sealed(body[:len(body)-1]),
		"more":           sealed(append(bytes.Clone(body), 0)),
		"endless list":   sealed(append([]byte(snapshotMagic), 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)),
	} {
		if err := newLayer(t).Restore(bad); err == nil || !strings.HasPrefix(err.Error(), "operational: snapshot: ") {
			t.Errorf("%s: error %v: want one that says what is wrong", name, err)
		}
	}
	plain, err := New(DefaultConfig(), false, conditions)
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.Restore(good); err == nil {
		t.Error("an instance that does not correlate took over open situations: want an error")
	}
	if err := newLayer(t).Restore(good); err != nil {
		t.Errorf("restore: %v", err)
	}
}

func TestRestoreKeepsTheBound(t *testing.T) {
	large, s := newLayer(t), &sent{}
	for i := range 200 {
		decide(t, large, s.value(fmt.Sprint("key-", i), midnight, 1))
	}
	small := newLayer(t, func(c *Config) { c.MaxKeys = 64 })
	if err := small.Restore(snapshotOf(t, large)); err != nil {
		t.Fatal(err)
	}
	if _, newest := small.keys.byID[keyID{"test", "key-199"}]; len(small.keys.byID) != 64 || !newest {
		t.Errorf("%d keys, newest %v: want the newest 64", len(small.keys.byID), newest)
	}
}

// TestSnapshotKeepsTheHoursOfTheDay restores a layer in the middle of a day with habits: it must go on as if nothing had been.
func TestSnapshotKeepsTheHoursOfTheDay(t *testing.T) {
	l, s := newLayer(t), &sent{}
	series := nights(func(_, of int) (float64, bool) { return 400, of == 40 })
	feed := func(i int, value float64, all ...*Layer) {
		var first layers.Envelope
		for k, l := range all {
			e := *s.value("web-1", midnight.Add(time.Duration(i)*5*time.Minute), value)
			decide(t, l, &e)
			if k == 0 {
				first = e
				continue
			}
			if e.Findings.Anomaly != first.Findings.Anomaly || e.Findings.Flagged != first.Findings.Flagged {
				t.Fatalf("sample %d: anomaly %v after a restore, %v without", i, e.Findings.Anomaly, first.Findings.Anomaly)
			}
		}
	}
	for i := range 4*perDay + 30 {
		feed(i, series(i), l)
	}
	again := newLayer(t)
	snapshot := snapshotOf(t, l)
	if err := again.Restore(snapshot); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(snapshotOf(t, again), snapshot) {
		t.Error("what was restored gives another snapshot")
	}
	for i := 4*perDay + 30; i < 6*perDay; i++ {
		feed(i, series(i), l, again)
	}
}

// TestFirstLayoutIsRead restores what a version wrote that knew no hours of the day, and goes on with it.
func TestFirstLayoutIsRead(t *testing.T) {
	snapshot, err := os.ReadFile(filepath.Join("testdata", "layout-1.snapshot"))
	if err != nil {
		t.Fatal(err)
	}
	l, s := newLayer(t), &sent{}
	if err := l.Restore(snapshot); err != nil {
		t.Fatal(err)
	}
	if len(l.correlator.open) != 1 {
		t.Errorf("%d situations are open, want one", len(l.correlator.open))
	}
	for i := 200; i < 3*perDay; i++ {
		e := s.value("web-1", midnight.Add(time.Duration(i)*5*time.Minute), steady(i))
		if d := decide(t, l, e); strings.Contains(d.Reason, "still learning") {
			t.Fatalf("sample %d: %s", i, d.Reason)
		}
	}
	spike := s.value("web-1", midnight.Add(3*24*time.Hour), 4000)
	if decide(t, l, spike); !spike.Findings.Flagged {
		t.Error("a spike is not noticed")
	}
	if err := newLayer(t).Restore(snapshotOf(t, l)); err != nil {
		t.Error(err)
	}
}

func TestSnapshotOfFullBaselinesIsSmall(t *testing.T) {
	const keys = 2000
	l, s := newLayer(t, func(c *Config) { c.MaxKeys = keys }), &sent{}
	for round := range baselineMinSamples + 3*dayHours {
		for k := range keys {
			decide(t, l, s.value(fmt.Sprintf("host-%05d.example.com", k), midnight.Add(time.Duration(round)*time.Hour), steady(round)))
		}
	}
	perSeries := len(snapshotOf(t, l)) / keys
	t.Logf("%d bytes per series, %.1f MB for %d", perSeries, float64(perSeries*DefaultConfig().MaxKeys)/1e6, DefaultConfig().MaxKeys)
	if l.keys.count != keys || perSeries > 950 {
		t.Errorf("%d series of %d bytes: want %d of at most 950", l.keys.count, perSeries, keys)
	}
}

func FuzzRestore(f *testing.F) {
	l := newLayer(f)
	for _, e := range layertest.Mined(1, 40) {
		if _, err := l.Decide(f.Context(), e); err != nil {
			f.Fatal(err)
		}
	}
	snapshot := snapshotOf(f, l)
	f.Add(snapshot[len(snapshotMagic) : len(snapshot)-4])
	small := snapshotOf(f, newLayer(f))
	f.Add(small[len(snapshotMagic) : len(small)-4])
	f.Add([]byte{1, 1, 'a', 1, 'b', 0, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		l := newLayer(t)
		if err := l.Restore(sealed(append([]byte(snapshotMagic), body...))); err != nil {
			return
		}
		again := newLayer(t)
		if err := again.Restore(snapshotOf(t, l)); err != nil {
			t.Errorf("what was restored cannot be restored again: %v", err)
		}
		l.Tick(midnight)
		for _, e := range layertest.Mined(2, 10) {
			if _, err := l.Decide(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	})
}
