package ingest

import (
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

func TestTimeOfLines(t *testing.T) {
	received := at(t, "2026-11-27T10:00:00Z")
	for line, want := range map[string]string{
		`2025-03-19T02:16:23.043Z web-1 up`:                         "2025-03-19T02:16:23.043Z",
		`2025-03-19 04:16:23,043+02:00 up`:                          "2025-03-19T02:16:23.043Z",
		`<131>1 2025-03-19T02:16:23.043Z tuso33 app 1380 ID45 - up`: "2025-03-19T02:16:23.043Z",
		`<34>Oct 11 22:14:15 mymachine su: failed`:                  "2026-10-11T22:14:15Z",
		`Dec 31 23:59:59 combo sshd[19939]: up`:                     "2025-12-31T23:59:59Z",
		`2015-07-29 17:41:44,747 - INFO  [main] - up`:               "2015-07-29T17:41:44Z",
		`[2014-07-01 00:00:00] up`:                                  "2014-07-01T00:00:00Z",
		`ts=2025-03-19T02:16:23Z lvl=info msg=up`:                   "2025-03-19T02:16:23Z",
		`level=info ts="2025-03-19T02:16:23Z" msg=up`:               "2025-03-19T02:16:23Z",
		`- 1117838570 2005.06.03 R02-M1-N0 RAS KERNEL INFO up`:      "2005-06-03T22:42:50Z",
		`10.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /"`:     "2000-10-10T20:55:36Z",
		`[10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200`:         "2000-10-10T20:55:36Z",
		`2026-11-27 12:00:00 up`:                                    "", // now, in another zone
		`Nov 27 11:00:00 combo kernel: up`:                          "",
		`2026-11-27T09:00:00Z up`:                                   "2026-11-27T09:00:00Z",
		`the job that started at 2025-03-19T02:16:23Z is done`:      "",
		`1234567890123456 bytes`:                                    "2009-02-13T23:31:30.123456Z",
		`12345 bytes`:                                               "",
		`2025-99-19T02:16:23Z up`:                                   "",
		``:                                                          "",
		`<`:                                                         "",
		`May`:                                                       "",
		`[`:                                                         "",
	} {
		got, ok := lineTime(line, received)
		if ok != (want != "") || ok && !got.Equal(at(t, want)) && got.Sub(at(t, want)) >= time.Second {
			t.Errorf("%q: %v %v, want %s", line, got, ok, want)
		}
	}
}

func TestHostOfSyslogLines(t *testing.T) {
	for line, want := range map[string]string{
		`<131>1 2025-03-19T02:16:23.043Z tuso33 app 1380 ID45 - up`: "tuso33",
		`<131>1 - - app - - - up`:                                   "",
		`<34>Oct 11 22:14:15 mymachine su: failed`:                  "mymachine",
		`Jun 14 15:16:01 combo sshd(pam_unix)[19939]: failed`:       "combo",
		`Jun 14 15:16:01 something happened here`:                   "",
		`up`: "",
	} {
		if got := syslogHost(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// TestSeverityWithinObjects finds it where the object states none itself.
func TestSeverityWithinObjects(t *testing.T) {
	d := newDecoder(t)
	for data, want := range map[string]layers.Severity{
		`{"log":{"level":"error"},"message":"x"}`:                              layers.SeverityError,
		`{"log":"2025-03-19 02:16:23 WARN slow","stream":"stderr"}`:            layers.SeverityWarning,
		`{"level":"info","message":"ERROR in the text, and the object knows"}`: layers.SeverityInfo,
		`{"message":"no error found"}`:                                         layers.SeverityUnset,
		`{"message":"SERVICE ALERT: web-1;HTTP;OK;HARD;1;fine"}`:               layers.SeverityUnset,
	} {
		if s := heard(t, d, data); s.Severity != want {
			t.Errorf("%s: severity %s, want %s", data, s.Severity, want)
		}
	}
}

// TestOtherNamesOfTimes are believed where they hold a time.
func TestOtherNamesOfTimes(t *testing.T) {
	d := newDecoder(t)
	for data, want := range map[string]string{
		`{"event_time":"2025-03-19T02:16:23Z","message":"x"}`:                               "2025-03-19T02:16:23Z",
		`{"clock":1742350583,"message":"x"}`:                                                "2025-03-19T02:16:23Z",
		`{"date":"1742350583000","message":"x"}`:                                            "2025-03-19T02:16:23Z",
		`{"date":"soon","message":"x"}`:                                                     "2025-11-24T16:00:00Z",
		`{"clock":7,"message":"x"}`:                                                         "2025-11-24T16:00:00Z",
		`{"time":"2025-03-19T02:16:23Z","event_time":"2020-01-01T00:00:00Z","message":"x"}`: "2025-03-19T02:16:23Z",
	} {
		if s := heard(t, d, data); !s.Time.Equal(at(t, want)) {
			t.Errorf("%s: %v, want %s", data, s.Time, want)
		}
	}
}
