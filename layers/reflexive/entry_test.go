package reflexive_test

import (
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

// small is quick to make.
func small(c *reflexive.Config) {
	withInhibit(c)
	c.DedupEntries, c.AnswerEntries = 100, 100
}

func TestRubbishIsRefused(t *testing.T) {
	l := newReal(t, nil)
	for entry, data := range map[string]string{
		"":                    "",
		"silence.sil-1":       `{"id":"sil-1"}`,
		"silence.sil-2":       `not JSON`,
		"silence.sil-3":       strings.Replace(valid("sil-3"), "key ==", "key =", 1),
		"silence.sil-4":       valid("sil-5"),
		"ack.sil-1":           `{}`,
		"alert.zz":            `{}`,
		"alert." + hex32:      `{"firing":true}`,
		"ack." + hex32:        `{"id":"` + hex32 + `"}`,
		"counts.p":            `[]`,
		"something.else":      `{}`,
		"silence." + "sil-9 ": valid("sil-9 "),
	} {
		if err := l.Board().Hear(entry, []byte(data)); err == nil {
			t.Errorf("%s: %s is taken", entry, data)
		}
	}
	want(t, decide(t, l, signal(1, nil)), layers.DispositionEscalated, "", "")
}

const hex32 = "0123456789abcdef0123456789abcdef"

func valid(id string) string {
	return `{"id":"` + id + `","when":"key == \"host-1\"","reason":"r","author":"a","created_at":"2026-03-02T12:00:00Z","until":"2026-03-02T13:00:00Z","max_severity":"error"}`
}

func FuzzHear(f *testing.F) {
	f.Add("silence.sil-1", valid("sil-1"))
	f.Add("alert."+hex32, `{"source":"a","key":"b","name":"c","firing":true,"first":1,"last":2,"seen":3,"groups":["`+hex32+`"],"changes":[1,2],"flap":{"since":1,"origin":2}}`)
	f.Add("ack."+hex32, `{"id":"`+hex32+`","author":"a","reason":"r","at":"2026-03-02T12:00:00Z"}`)
	f.Add("counts.p", `{"silence:x":3}`)
	f.Fuzz(func(t *testing.T, entry, data string) {
		l := newReal(t, small)
		_ = l.Board().Hear(entry, []byte(data))
		_ = l.Board().Hear(entry, []byte(data))
		for _, e := range []*layers.Envelope{alert(1, "firing"), node(2, "firing", 3), victim(3, "n1", 3), alert(4, "resolved"), alert(5, "firing")} {
			decide(t, l, e)
		}
		for _, change := range l.Board().Changes("p", 100) {
			if err := newReal(t, small).Board().Hear(change.Entry, change.Data); err != nil {
				t.Errorf("what it says itself is not understood: %v", err)
			}
		}
		l.Board().Prune(noon.Add(time.Hour * 1000))
		_ = l.Board().Hear(entry, nil)
	})
}

// TestAnOldEndLeavesANewAcknowledgement has an alert end, fire anew and be acknowledged before the end of the first acknowledgement is stored.
func TestAnOldEndLeavesANewAcknowledgement(t *testing.T) {
	t.Parallel()
	old := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	lift := reflexive.LiftAck("0123456789abcdef0123456789abcdef", old)
	for _, tt := range []struct {
		entry string
		want  bool
	}{
		{`{"at":"2026-01-01T12:00:00Z"}`, true},
		{`{"at":"2026-01-01T13:00:00+01:00"}`, true},
		{`{"at":"2026-01-01T12:05:00Z"}`, false},
		{`no ack at all`, true},
	} {
		if got := lift.Means([]byte(tt.entry)); got != tt.want {
			t.Errorf("%s is meant: %v, want %v", tt.entry, got, tt.want)
		}
	}
}
