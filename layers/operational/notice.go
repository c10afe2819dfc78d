package operational

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// What HAL9 itself tells as signals, from the source OwnSource.
const (
	OwnSource   = "hal9"
	TypeAbsence = "hal9.absence" // something that used to come is silent
	TypeReturn  = "hal9.return"  // and comes again
)

// labelAbsent names the source that a notice is about.
const labelAbsent = "absent_source"

// noticeNames is how many parts a notice names.
const noticeNames = 5

// notice is something that is silent.
type notice struct {
	source, key string   // both empty for everything, key empty for the source
	parts       []string // of it, where only those are silent
	habit       *habit
	quiet       bool // nothing at all comes to the partition
	whole       int64
	now         moment
}

// notices collects signals.
type notices struct{ events []layers.Event }

// noticeData is what a notice says for programs.
type noticeData struct {
	Anomaly float64   `json:"anomaly,omitempty"` // 0..1
	Since   time.Time `json:"since"`             // event time
	Absence string    `json:"absence"`           // id of the signal that said it was silent
	Holds   bool      `json:"holds,omitempty"`   // whether its return will be told
	Quiet   bool      `json:"quiet,omitempty"`   // whether nothing at all came to its partition
}

// add makes a notice a signal.
func (o *notices) add(cfg Config, n notice) {
	h := n.habit
	length := time.Duration(cfg.bucket()) * time.Second
	since := time.Unix(h.lastAt*cfg.bucket(), 0).UTC()
	gap := float64(n.whole - h.last)
	text := n.subject() + " stopped: nothing came for " + span(time.Duration(max(n.now.bucket-h.lastAt, 1))*length) +
		", where it used to come every " + span(time.Duration(math.Round(max(h.usual.value, 1)))*length) + " (" + counted(h.gaps, "interval") + " seen)"
	id := noticeID(n.source, n.key, strings.Join(n.parts, "\x00"), strconv.FormatInt(h.lastAt, 10))
	s := ownSignal(n.source, n.key, time.Unix(n.now.bucket*cfg.bucket(), 0).UTC())
	s.ID, s.Type, s.Severity, s.Text = id, TypeAbsence, layers.SeverityWarning, plain(text, reasonMax)
	s.Data = dataOf(noticeData{Anomaly: anomalyOf(h.surprise(gap)), Since: since, Absence: id, Holds: len(n.parts) == 0, Quiet: n.quiet})
	if len(n.parts) == 0 {
		h.silence = &silence{id: id, source: n.source, key: n.key}
	}
	o.events = append(o.events, layers.Event{Signal: s})
}

// back tells that a silence is over.
func (o *notices) back(cfg Config, now moment, over *silence) {
	if over == nil || over.id == "" {
		return
	}
	at := time.Unix(now.bucket*cfg.bucket(), 0).UTC()
	s := ownSignal(over.source, over.key, at)
	s.ID, s.Type, s.Severity = noticeID("return", over.id), TypeReturn, layers.SeverityInfo
	s.Text = plain(notice{source: over.source, key: over.key}.subject()+" came again", reasonMax)
	s.Data = dataOf(noticeData{Since: at, Absence: over.id})
	o.events = append(o.events, layers.Event{Signal: s})
}

// ownSignal is about a key, a source or everything.
func ownSignal(source, key string, at time.Time) *layers.Signal {
	s := &layers.Signal{Source: OwnSource, Time: at, Key: plain(key, nameMax)}
	if source != "" {
		s.Labels = map[string]string{labelAbsent: plain(source, nameMax)}
	}
	for _, name := range [...]string{plain(source, nameMax), "all sources"} {
		if s.Key == "" {
			s.Key = name
		}
	}
	return s
}

// subject says in people's words what is silent.
func (n notice) subject() string {
	what := "everything"
	switch {
	case n.key != "":
		what = n.key + " (source " + n.source + ")"
	case n.source != "":
		what = "source " + n.source
	}
	if len(n.parts) == 0 {
		return what
	}
	names := strings.Join(n.parts[:min(len(n.parts), noticeNames)], ", ")
	if more := len(n.parts) - noticeNames; more > 0 {
		names += " and " + number(float64(more)) + " more"
	}
	return names + " of " + what
}

// text names a series for people.
func (id seriesID) text() string {
	switch id.kind {
	case seriesValue:
		return strings.TrimSpace("value " + strings.TrimSpace(id.detail+" "+id.name))
	case seriesTemplate:
		return "message #" + id.name
	default:
		return strings.TrimSpace("messages " + strings.TrimSpace(id.name+" "+id.detail))
	}
}

func noticeID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "absence-" + hex.EncodeToString(sum[:8])
}

func dataOf(d noticeData) json.RawMessage {
	data, err := json.Marshal(d)
	if err != nil { // a time that JSON does not know; eventTime lets none through
		return nil
	}
	return data
}

// readNotice reads a signal that HAL9 made itself.
func readNotice(e *layers.Envelope) (d noticeData, ok bool) {
	if e.Source != OwnSource || e.Type != TypeAbsence && e.Type != TypeReturn {
		return d, false
	}
	if json.Unmarshal(e.Data, &d) != nil || d.Anomaly < 0 || d.Anomaly > 1 || len(d.Absence) > nameMax {
		return noticeData{}, false
	}
	return d, true
}
