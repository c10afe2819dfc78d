package ingest

import (
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

func TestLineSeverity(t *testing.T) {
	const none, debug, info, warning, failed, critical = layers.SeverityUnset, layers.SeverityDebug, layers.SeverityInfo,
		layers.SeverityWarning, layers.SeverityError, layers.SeverityCritical
	for line, want := range map[string]layers.Severity{
		"":                                   none,
		"started":                            none,
		"no error found":                     none,
		"an error occurred":                  none,
		"error rate is normal":               none,
		"high load, low memory":              none,
		"INFORMATION DESK":                   none,
		"ERROR disk full":                    failed,
		"2015-07-29 17:41:44,747 - INFO  [Q": info,
		"[Sun Dec 04 04:47:44 2005] [notice] workerEnv":        info,
		"[2024-01-01] (warn) x":                                warning,
		"- 1117 2005.06.03 R02 2005-06 R02 RAS KERNEL FATAL x": critical,
		"error: cannot open":                                   failed,
		"Warning: deprecated":                                  warning,
		"ERROR:root:boom":                                      failed,
		"panic: runtime error":                                 critical,
		`time=12:00 level=warn msg="x"`:                        warning,
		`ts=1 lvl="error"`:                                     failed,
		"severity=Debug x":                                     debug,
		"level=odd ERROR":                                      failed,
		"E0519 12:00:00.123456 1 x.go:7] boom":                 failed,
		"W0519 12:00:00.1 x":                                   warning,
		"I1231 23:59:59 x":                                     info,
		"F0101 00:00:00 x":                                     critical,
		"E0519 is a part number":                               none,
		"X0519 12:00:00 x":                                     none,
		"<34>Oct 11 22:14:15 host su: failed":                  critical,
		"<165>1 2003-10-11T22:14:15.003Z h a":                  info,
		"<191>x":                                               debug,
		"<192>x":                                               none,
		"<>x":                                                  none,
		"<b>bold</b>":                                          none,
		"[INFO][main] started":                                 info,
		"1 2 3 4 5 6 7 8 9 10 ERROR":                           none,
		strings.Repeat("x", 300) + " ERROR":                    none,
		"081109 203615 148 WARN dfs.DataNode: Got exception":   warning,
		"2024-01-01T00:00:00Z | CRITICAL | x":                  critical,
		"\x1b":                                                 none,
		"TRACE x":                                              debug,
		"17/06/09 20:10:40 INFO executor.Backend: Registered [TERM, HUP, INT]": info,
	} {
		if got := lineSeverity(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestIsNumber(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-1": true, "+1": true, "1.5": true, ".5": true, "5.": true, "1e3": true, "1E-3": true, "007": true, "1e999": true,
		"": false, "-": false, ".": false, "e3": false, "1e": false, "1.2.3": false, "0x10": false, "1_000": false, "NaN": false,
		"Inf": false, "1,5": false, "12:30": false, "1 2": false, strings.Repeat("1", 64): true, strings.Repeat("1", 65): false,
	} {
		if got := isNumber([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
