package ingest

import (
	"slices"
	"strings"
)

// resolvedWords are what senders call a condition that is over.
var resolvedWords = [...]string{
	"resolved", "resolve", "ok", "okay", "recovered", "recovery", "normal", "inactive", "closed", "close", "cleared", "clear", "up", "healthy", "passing", "ended",
}

// firingWords are what they call one that holds.
var firingWords = [...]string{
	"firing", "fired", "alerting", "alarm", "problem", "triggered", "trigger", "active", "open", "opened", "down", "failing", "unhealthy", "unreachable", "breached",
	"critical", "warning", "error",
}

func isResolved(word string) bool {
	return slices.Contains(resolvedWords[:], strings.ToLower(strings.TrimSpace(word)))
}

// statesCondition reports whether an object calls itself an alert and says whether it holds.
func statesCondition(p *picked) bool {
	kind, ok := p.get(fieldType)
	if !ok || kind.kind != kindString {
		return false
	}
	name := strings.ToLower(kind.text())
	name = name[strings.LastIndexAny(name, ".:/")+1:]
	if name != alertType && name != "alarm" && name != "problem" && name != "incident" {
		return false
	}
	status, ok := p.get(fieldStatus)
	if !ok {
		return false
	}
	word := strings.ToLower(strings.TrimSpace(status.text()))
	return isResolved(word) || slices.Contains(firingWords[:], word)
}
