package ingest

import (
	"strings"
	"time"
)

// Bounds of the search for a time: log formats put it after at most a priority, a level and a label.
const (
	timeTokens = 4
	timeBytes  = 96
)

// nearby is how far a time that does not say its zone, or its year, may lie from the receipt and still be that of a
// line that is written now, somewhere on earth: then the receipt says more.
const nearby = 26 * time.Hour

// lineTime finds the time that a log line states at its head: RFC 3339 and its kin, those of access logs and of
// syslog, Unix seconds, also as ts=… or in brackets. Where it says neither zone nor year, it counts only where the line
// is not written now, but replayed; of years the last before the receipt is meant.
func lineTime(line string, received time.Time) (time.Time, bool) {
	line = line[:min(len(line), timeBytes)]
	if line != "" && line[0] == '<' {
		if _, ok := syslogSeverity(line); ok {
			line = line[strings.IndexByte(line, '>')+1:]
		}
	}
	for range timeTokens {
		line = strings.TrimLeft(line, " \t[(\"'|")
		if line == "" {
			break
		}
		if name, rest, ok := strings.Cut(line[:wordEnd(line)], "="); ok && isTimeName(name) {
			line = strings.TrimLeft(line[len(line[:wordEnd(line)])-len(rest):], "\"'")
		}
		if isDigit(line[0]) || len(line) > 3 && line[3] == ' ' {
			if t, zoned, ok := headTime(line, received); ok {
				return t, zoned || t.Sub(received).Abs() > nearby
			}
		}
		line = line[wordEnd(line):]
	}
	return time.Time{}, false
}

func wordEnd(line string) int {
	if end := strings.IndexAny(line, " \t\r\n"); end >= 0 {
		return end
	}
	return len(line)
}

func isTimeName(name string) bool {
	switch strings.ToLower(name) {
	case "ts", "time", "timestamp", "t", "@timestamp", "datetime":
		return true
	default:
		return false
	}
}

// headTime reads a time with which a text begins; zoned says that it tells its zone and its year.
func headTime(line string, received time.Time) (t time.Time, zoned, ok bool) {
	switch {
	case len(line) >= len("2006-01-02T15:04:05") && line[4] == '-' && line[7] == '-' && line[13] == ':':
		t, zoned, ok = isoTime(line)
	case len(line) >= len("02/Jan/2006:15:04:05 -0700") && line[2] == '/' && line[6] == '/':
		t, ok = parsed("02/Jan/2006:15:04:05 -0700", line[:len("02/Jan/2006:15:04:05 -0700")])
		zoned = true
	case len(line) >= len("Jan _2 15:04:05") && line[3] == ' ' && line[9] == ':':
		if t, ok = parsed("Jan _2 15:04:05", line[:len("Jan _2 15:04:05")]); ok {
			t = lastYear(t, received)
		}
	case wordEnd(line) >= len("1117838570") && (line[0] == '1' || line[0] == '2'):
		t, ok = epoch(strings.TrimRight(line[:wordEnd(line)], ",;:])|"))
		zoned = true
	}
	return t, zoned, ok && checkTime("", t) == nil
}

func parsed(layout, text string) (time.Time, bool) {
	t, err := time.Parse(layout, text)
	return t.UTC(), err == nil
}

// isoTime reads 2006-01-02T15:04:05.000Z, with a space for the T, a comma for the point, and with or without a zone.
func isoTime(line string) (t time.Time, zoned, ok bool) {
	end := len("2006-01-02T15:04:05")
	if end < len(line) && (line[end] == '.' || line[end] == ',') {
		for end++; end < len(line) && isDigit(line[end]); end++ {
		}
	}
	base := end
	if end < len(line) && line[end] == 'Z' {
		end++
	} else if end+len("+00:00") <= len(line) && (line[end] == '+' || line[end] == '-') {
		end += len("+0000")
		if line[base+3] == ':' {
			end++
		}
	}
	layout := "2006-01-02T15:04:05"
	if line[len("2006-01-02")] == ' ' {
		layout = "2006-01-02 15:04:05"
	}
	switch zone := line[base:end]; {
	case zone == "":
		t, ok = parsed(layout, line[:end])
	case len(zone) == len("+0000"):
		t, ok = parsed(layout+"Z0700", line[:end])
	default:
		t, ok = parsed(layout+"Z07:00", line[:end])
	}
	return t, end > base, ok
}

// epoch reads Unix seconds, milliseconds and so on of this century.
func epoch(text string) (time.Time, bool) {
	digits, _, _ := strings.Cut(text, ".")
	if strings.Trim(digits, "0123456789") != "" || (len(digits)-len("1117838570"))%3 != 0 {
		return time.Time{}, false
	}
	t, ok := unixTime(text)
	return t.UTC(), ok && t.Year() > 2000
}

// lastYear gives a time without a year the last one that lets it lie before the receipt, or in the day after.
func lastYear(t, received time.Time) time.Time {
	t = t.AddDate(received.Year(), 0, 0)
	if t.After(received.Add(nearby)) {
		t = t.AddDate(-1, 0, 0)
	}
	return t
}

// syslogHost returns the host in the header of a syslog line, RFC 5424's or RFC 3164's with a process behind it, or "".
func syslogHost(line string) string {
	line = line[:min(len(line), 4*timeBytes)]
	marked := false
	if _, ok := syslogSeverity(line); ok {
		line, marked = line[strings.IndexByte(line, '>')+1:], true
	}
	switch {
	case marked && strings.HasPrefix(line, "1 "):
		line = line[len("1 "):]
		line = strings.TrimLeft(line[wordEnd(line):], " ")
	case len(line) > len("Jan _2 15:04:05 ") && line[3] == ' ' && line[6] == ' ' && line[9] == ':' && line[12] == ':' && line[15] == ' ':
		line = line[len("Jan _2 15:04:05 "):]
		after := strings.TrimLeft(line[wordEnd(line):], " ")
		if tag := after[:wordEnd(after)]; !strings.HasSuffix(tag, ":") {
			return ""
		}
	default:
		return ""
	}
	host := line[:wordEnd(line)]
	if host == "-" || checkName("", host, maxKeyBytes) != nil {
		return ""
	}
	return host
}
