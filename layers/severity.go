package layers

import (
	"fmt"
	"strconv"
	"strings"
)

// Severity says how bad the sender believes a signal to be; higher is worse. The zero
// value means that the sender did not say.
type Severity uint8

// Severities, from unset to the worst.
const (
	SeverityUnset Severity = iota
	SeverityDebug
	SeverityInfo
	SeverityWarning
	SeverityError
	SeverityCritical
)

var severityTexts = [...]string{"", "debug", "info", "warning", "error", "critical"}

// String returns "debug".."critical", or "" where unset.
func (s Severity) String() string {
	if int(s) >= len(severityTexts) {
		return ""
	}
	return severityTexts[s]
}

// MarshalText writes what String returns.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what ParseSeverity reads.
func (s *Severity) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSeverity(string(text))
	return err
}

// severityWords are the words that senders use: syslog (RFC 5424), Go slog, log4j, Python,
// Alertmanager conventions, Kubernetes event types, OpenTelemetry's severity text, priorities P1 to P5 and SEV1 to SEV5.
var severityWords = map[string]Severity{
	"": SeverityUnset, "none": SeverityUnset, "unknown": SeverityUnset, "unset": SeverityUnset,
	"trace": SeverityDebug, "debug": SeverityDebug, "fine": SeverityDebug, "verbose": SeverityDebug,
	"info": SeverityInfo, "information": SeverityInfo, "informational": SeverityInfo, "notice": SeverityInfo,
	"normal": SeverityInfo, "ok": SeverityInfo, "low": SeverityInfo,
	"p4": SeverityInfo, "p5": SeverityInfo, "sev4": SeverityInfo, "sev5": SeverityInfo,
	"warn": SeverityWarning, "warning": SeverityWarning, "minor": SeverityWarning, "medium": SeverityWarning,
	"moderate": SeverityWarning, "average": SeverityWarning, "p3": SeverityWarning, "sev3": SeverityWarning,
	"err": SeverityError, "error": SeverityError, "severe": SeverityError, "major": SeverityError,
	"failure": SeverityError, "high": SeverityError, "urgent": SeverityError, "immediate": SeverityError, "p2": SeverityError, "sev2": SeverityError,
	"crit": SeverityCritical, "critical": SeverityCritical, "fatal": SeverityCritical, "panic": SeverityCritical,
	"alert": SeverityCritical, "emerg": SeverityCritical, "emergency": SeverityCritical,
	"page": SeverityCritical, "disaster": SeverityCritical,
	"p0": SeverityCritical, "p1": SeverityCritical, "sev0": SeverityCritical, "sev1": SeverityCritical,
}

// ParseSeverity reads the words of syslog, slog, log4j, Alertmanager, Kubernetes and
// OpenTelemetry in either case, and OpenTelemetry's severity numbers 1..24.
func ParseSeverity(text string) (Severity, error) {
	word := strings.ToLower(strings.TrimSpace(text))
	if s, ok := severityWords[word]; ok {
		return s, nil
	}
	if n, err := strconv.Atoi(word); err == nil {
		return SeverityFromNumber(n)
	}
	return SeverityUnset, fmt.Errorf("layers: %q is no severity: want debug, info, warning, error or critical", text)
}

// SeverityFromNumber reads an OpenTelemetry severity number: 1-8 debug, 9-12 info,
// 13-16 warning, 17-20 error, 21-24 critical; 0 is unset.
func SeverityFromNumber(n int) (Severity, error) {
	switch {
	case n == 0:
		return SeverityUnset, nil
	case n < 0 || n > 24:
		return SeverityUnset, fmt.Errorf("layers: %d is no severity: OpenTelemetry's numbers go from 1 to 24", n)
	case n <= 8:
		return SeverityDebug, nil
	default:
		return SeverityInfo + Severity((n-9)/4), nil
	}
}
