package operational

import "github.com/2lab-ai/hal9/layers"

// Alerts say by a label whether they still fire.
const (
	labelStatus  = "alertstatus"
	statusFiring = "firing"
)

// fires reports whether the signal is an alert that is not over.
func fires(e *layers.Envelope) bool {
	return e.Labels[labelStatus] == statusFiring
}

// judgeAlert flags an alert that fires, which L1 lets through where it is news: somebody has judged already that this matters. From
// severity error on it opens a situation; a milder one joins what is open.
func (l *Layer) judgeAlert(e *layers.Envelope, j judgement) judgement {
	switch {
	case !fires(e):
		return j
	case e.Severity > layers.SeverityUnset && e.Severity < layers.SeverityWarning:
		return j.worse(judgement{reason: "an alert fires that is no trouble: its severity is " + e.Severity.String()})
	}
	alert := judgement{anomaly: l.cfg.joinOnly(), flagged: true, proof: j.proof, reason: "an alert fires: " + headline(e, j.reason)}
	if e.Severity >= layers.SeverityError {
		alert.anomaly = max(l.cfg.OpenThreshold, j.anomaly)
	}
	return j.worse(alert)
}
