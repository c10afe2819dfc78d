package implementation

import (
	"strings"
	"testing"
)

// masked is the masked form of a text, and what stood at its holes.
func masked(text string) (form string, parameters []string) {
	l := &line{words: stateWords()}
	if !l.read(text) {
		return "", nil
	}
	t := newTemplate("test", l, false)
	return t.text, l.parameters(t)
}

func TestMasks(t *testing.T) {
	tests := []struct{ text, form, parameters string }{
		{"Got assigned task 42", "Got assigned task <*>", "42"},
		{"Deleting block blk_-160 file /user/x.log", "Deleting block <*> file <*>", "blk_-160|/user/x.log"},
		{"from 10.0.0.1:5010 to /10.0.0.2:5010,", "from <*> to <*>,", "10.0.0.1:5010|/10.0.0.2:5010"},
		{"at 2026-03-02T12:00:01,123Z done", "at <*> done", "2026-03-02T12:00:01,123Z"},
		{"on Thu Aug 04 15:31:02 ok", "on <*> ok", "Thu Aug 04 15:31:02"},
		{"chip FF:F2:9F:15:7E up", "chip <*> up", "FF:F2:9F:15:7E"},
		{"via fe80::1ff:fe23 now", "via <*> now", "fe80::1ff:fe23"},
		{"id 6f1c2d3e-aaaa-bbbb-cccc-0123456789ab", "id <*>", "6f1c2d3e-aaaa-bbbb-cccc-0123456789ab"},
		{"hash deadbeef faced", "hash <*> faced", "deadbeef"},
		{"GET https://a.b/c?d=e&f=g (x)", "GET <*> (x)", "https://a.b/c?d=e&f=g"},
		{`opened C:\Temp\a.txt`, "opened <*>", `C:\Temp\a.txt`},
		{"cd ../x ./y ~/z /", "cd <*> /", "../x ./y ~/z"},
		{"mail to root@example now", "mail to <*> now", "root@example"},
		{"host mail.example.com sent", "host <*> sent", "mail.example.com"},
		{"java.lang.OutOfMemoryError: heap", "java.lang.OutOfMemoryError: heap", ""},
		{"uid=0 user= rhost=,", "uid=<*> user=<*> rhost=<*>,", "0||"},
		{"from host () at", "from host (<*>) at", ""},
		{"size 5.2 KB, free 14 KB)", "size <*>, free <*>)", "5.2 KB|14 KB"},
		{"blocks blk_1 blk_2 blk_3 gone", "blocks <*> gone", "blk_1 blk_2 blk_3"},
		{"depth........0x10 end.", "depth........<*> end.", "0x10"},
		{"tree/torus 4G/4G N/A", "tree/torus <*> N/A", "4G/4G"},
		{"next a5<*> to", "next <*> to", "a5<*>"},
		{"literal <*> stays", "literal <*> stays", "<*>"},
		{"\n  \n\tpanic: 7 \r\n\tat x.go:12\n", "panic: <*>", "7"},
		{"größe ändern 5µs", "größe ändern <*>", "5µs"},
		{"broken \xff text", "broken \uFFFD text", ""},
		{" --- \t*** ", "", ""},
		{"", "", ""},
	}
	for _, test := range tests {
		form, parameters := masked(test.text)
		if form != test.form || strings.Join(parameters, "|") != test.parameters {
			t.Errorf("%q: got %q with %q, want %q with %q", test.text, form, parameters, test.form, test.parameters)
		}
	}
}

func TestLongLinesAreCut(t *testing.T) {
	many := strings.Repeat("a b ", 200)
	form, parameters := masked(many)
	if n := len(strings.Fields(form)); n != maxTokens || !strings.HasSuffix(form, " <*>") || len(parameters) != 1 {
		t.Errorf("%d tokens, %d parameters of a line of 400 words: %q", n, len(parameters), form)
	}
	if got := len(parameters[0]); got > maxParameter {
		t.Errorf("a parameter of %d bytes", got)
	}
	first, _ := masked("same start " + strings.Repeat("x", maxLineBytes))
	second, _ := masked("same start " + strings.Repeat("x", maxLineBytes+1))
	if first != second || first != "same start" {
		t.Errorf("lines that differ behind the cut differ: %.40q and %.40q", first, second)
	}
	if form, _ := masked(strings.Repeat("y", maxLineBytes+5)); len(form) != maxLineBytes {
		t.Errorf("one long word became %d bytes", len(form))
	}
	_, parameters = masked(strings.Repeat("a 1 b 2 ", 30))
	if len(parameters) != maxParameters {
		t.Errorf("%d parameters, want %d", len(parameters), maxParameters)
	}
}

func TestHoleHash(t *testing.T) {
	if got := hashBytes([]byte(hole)); got != holeHash {
		t.Errorf("the hash of a hole is %#x, the constant says %#x", got, uint64(holeHash))
	}
}

func TestNumbersInText(t *testing.T) {
	tests := []struct {
		text  string
		name  string // "" for none
		value float64
	}{
		{"took 35ms", "took_seconds", .035},
		{"it took 35 ms.", "took_seconds", .035},
		{"elapsed=1.5s,", "elapsed_seconds", 1.5},
		{"wait: 250us", "wait_seconds", .00025},
		{"gc 5µs", "gc_seconds", 5e-6},
		{"gc 5ns", "gc_seconds", 5e-9},
		{"uptime 2h", "uptime_seconds", 7200},
		{"uptime 2m", "uptime_seconds", 120},
		{"size=67108864", "size", 67108864},
		{"(load=-0.5)", "load", -.5},
		{`n="7"`, "n", 7},
		{"port 8080", "", 0},
		{"a=0x10", "", 0},
		{"a=1e999", "", 0},
		{"a=nan b=inf", "", 0},
		{"35ms", "", 0},
		{"=5", "", 0},
	}
	for _, test := range tests {
		l := &line{words: stateWords()}
		l.read(test.text)
		var want []number
		if test.name != "" {
			want = []number{{test.name, test.value}}
		}
		if got := l.numbers(); len(got) != len(want) || len(got) == 1 && (got[0].name != test.name || abs(got[0].value-test.value) > 1e-12) {
			t.Errorf("%q: got %v, want %v", test.text, got, want)
		}
	}
}

func abs(x float64) float64 { return max(x, -x) }
