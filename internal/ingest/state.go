package ingest

import (
	"bytes"

	"github.com/2lab-ai/hal9/layers"
)

// standing is what a sender's word says of a condition.
type standing struct {
	status   string          // alertFiring or alertResolved
	severity layers.Severity // how bad, where the word says so
}

// standings knows the words by which senders say that a condition holds, or is over, in lower case and without what
// parts words: Alertmanager, Grafana, CloudWatch, Azure Monitor, Google Cloud Monitoring, Datadog, PagerDuty, Opsgenie,
// Zabbix, Nagios, Icinga, Sensu, New Relic, VictorOps, vRealize, X.733 and uptime checks. "No data" and the like say
// neither.
var standings = func() map[string]standing {
	known := map[string]standing{}
	for s, words := range map[standing][]string{
		{alertResolved, 0}: {
			"resolved", "resolve", "ok", "okay", "recovered", "recovery", "normal", "inactive", "closed", "close", "cleared", "clear", "up", "healthy",
			"passing", "ended", "canceled", "cancelled", "deactivated", "restored", "online", "solved",
		},
		{alertFiring, 0}: {
			"firing", "fired", "alerting", "alarm", "problem", "triggered", "trigger", "retriggered", "renotify", "active", "activated", "open", "opened",
			"reopened", "breached", "raised", "raise", "create", "created", "acknowledged", "acknowledge", "acknowledgement", "suppressed", "violated",
		},
		{alertFiring, layers.SeverityWarning}: {"warning", "warn", "rewarn", "degraded", "minor"},
		{alertFiring, layers.SeverityError}:   {"down", "failing", "unhealthy", "unreachable", "error", "offline", "major"},
		{alertFiring, layers.SeverityCritical}: {
			"critical",
		},
	} {
		for _, word := range words {
			known[word] = s
		}
	}
	return known
}()

// maxStateWord is longer than any of the words with what parts them.
const maxStateWord = 32

// standingOf reads a state's word; of a dotted one, such as incident.triggered, the last part counts.
func standingOf(raw []byte) (standing, bool) {
	if len(raw) > 4*maxStateWord {
		return standing{}, false
	}
	raw = bytes.TrimSpace(raw)
	if at := bytes.LastIndexAny(raw, "./:"); at >= 0 {
		raw = raw[at+1:]
	}
	var room [maxStateWord]byte
	s, ok := standings[string(bare(room[:0], raw))]
	if s.severity == layers.SeverityCritical && !bytes.EqualFold(raw, []byte("critical")) {
		s.severity = layers.SeverityError // MaybeCritical looks for the word as it is.
	}
	return s, ok
}

// bare appends a name or a word in lower case and without what parts its words. Dots become slashes, so that
// "host.name" reads like the name of a host's object.
func bare(into, name []byte) []byte {
	for _, c := range name {
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '_' || c == '-' || c == ' ':
			continue
		case c == '.':
			c = '/'
		}
		if len(into) == cap(into) {
			return into[:0]
		}
		into = append(into, c)
	}
	return into
}

// standing reads a member that may tell a state by a word; what numbers mean depends on their name (numberStanding).
func (m *member) standing() (standing, bool) {
	if m.kind != kindString {
		return standing{}, false
	}
	return standingOf(m.raw[1 : len(m.raw)-1])
}

// statusWord reads the status of an alert in Alertmanager's shape: a word, or its API's object {"state": "active", …}.
func (p *picked) statusWord() (standing, bool) {
	if m, ok := p.get(fieldStatus); ok {
		return m.standing()
	}
	if m, ok := p.strange(fieldStatus); ok && m.kind == kindObject {
		if state, ok := lookup(m.raw, "state"); ok {
			return state.standing()
		}
	}
	return standing{}, false
}
