package load

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/goldentest"
)

// sample is a result whose figures are known: latencies of 1 to 1,000 steps.
func sample(step time.Duration, failures map[error]int) Result {
	cfg := DefaultConfig()
	r := newRun(cfg, nil)
	r.began = time.Unix(0, 0)
	r.now = func() time.Time { return r.began.Add(61500 * time.Millisecond) }
	for _, operation := range Operations() {
		for i := range 1000 {
			r.recorder.ended(operation, time.Duration(i+1)*step, nil)
		}
	}
	for err, n := range failures {
		for range n {
			r.recorder.ended(OperationHTTP, time.Minute, err)
		}
	}
	r.recorder.began(300 * time.Microsecond)
	result := r.result(false)
	result.NATS, result.HTTP, result.Tailed = "nats://127.0.0.1:4222", "http://127.0.0.1:9099", 123456
	return result
}

func failures() map[error]int {
	return map[error]int{
		&StatusError{Status: 429, Answer: []byte(`{"error": "too many requests` + "\n\x1b[31m" + `"}`)}: 30,
		&StatusError{Status: 500, Answer: []byte(`{"error": "oh"}`)}:                                    1,
		ErrNoVerdict: 20,
	}
}

func TestFiguresAreExactToThreeDigits(t *testing.T) {
	result := sample(time.Millisecond, nil)
	for i, f := range append([]OperationFigures{{"all", result.All}}, result.Operations...) {
		if want := uint64(1000); i > 0 && f.Count != want || i == 0 && f.Count != 5*want {
			t.Errorf("%s: count %d", f.Operation, f.Count)
		}
		for _, q := range []struct{ got, want time.Duration }{
			{f.P50, 500 * time.Millisecond},
			{f.P90, 900 * time.Millisecond},
			{f.P99, 990 * time.Millisecond},
			{f.P999, 999 * time.Millisecond},
			{f.Max, time.Second},
			{f.Mean, 500500 * time.Microsecond},
		} {
			if ratio := float64(q.got) / float64(q.want); ratio < 0.999 || ratio > 1.001 {
				t.Errorf("%s: %s, want %s", f.Operation, q.got, q.want)
			}
		}
		sum := uint64(0)
		for _, bucket := range f.Buckets {
			sum += bucket.Count
		}
		if sum != f.Count {
			t.Errorf("%s: buckets hold %d of %d", f.Operation, sum, f.Count)
		}
	}
}

// TestFailuresDoNotFlatter looks at what counts as a latency: what ran out of time does.
func TestFailuresDoNotFlatter(t *testing.T) {
	quick := sample(time.Millisecond, map[error]int{&StatusError{Status: 429}: 5000})
	if quick.All.P50 < 499*time.Millisecond || quick.All.Max > 1001*time.Millisecond || quick.All.Errors != 5000 {
		t.Errorf("p50 %s, max %s with 5,000 refusals among the latencies", quick.All.P50, quick.All.Max)
	}
	slow := sample(time.Millisecond, map[error]int{ErrNoVerdict: 100})
	if slow.All.P99 < 59*time.Second {
		t.Errorf("p99 %s without the 100 of 5,100 operations that ran out of time", slow.All.P99)
	}
}

func TestLimits(t *testing.T) {
	good, bad := sample(100*time.Microsecond, nil), sample(2*time.Millisecond, failures())
	slowTail := good
	slowTail.Operations = append([]OperationFigures(nil), good.Operations...)
	slowTail.Operations[4].P99 = 2 * time.Second
	for name, c := range map[string]struct {
		result   Result
		limits   Limits
		breaches int
	}{
		"good":                      {good, DefaultLimits(), 0},
		"at the limit":              {good, Limits{P99: good.All.P99}, 0},
		"above it":                  {good, Limits{P99: good.All.P99 - time.Millisecond}, 6},
		"one operation":             {slowTail, DefaultLimits(), 1},
		"slow and with errors":      {bad, DefaultLimits(), 7},
		"errors, more allowed":      {bad, Limits{Errors: 0.02}, 0},
		"errors only":               {bad, Limits{Errors: 0.001}, 1},
		"no limits":                 {bad, Limits{}, 0},
		"nothing was due":           {Result{}, Limits{}, 1},
		"all unfinished, but timed": {Result{All: Figures{Unfinished: 5, P99: time.Minute}}, DefaultLimits(), 1},
	} {
		report := Report{Result: c.result, Limits: c.limits}
		if got := c.limits.Breaches(&c.result); len(got) != c.breaches || (report.Err() != nil) != (c.breaches > 0) {
			t.Errorf("%s: breaches %q, error %v; want %d", name, got, report.Err(), c.breaches)
		}
	}
	for _, wrong := range []Limits{{P99: -1}, {P99: 2 * time.Hour}, {Errors: -0.1}, {Errors: 1.1}} {
		if wrong.Validate() == nil {
			t.Errorf("%+v is valid", wrong)
		}
	}
	if err := DefaultLimits().Validate(); err != nil {
		t.Error(err)
	}
}

func TestReportForPeopleAndPrograms(t *testing.T) {
	var out bytes.Buffer
	odd := sample(2*time.Millisecond, failures())
	odd.Interrupted, odd.Dropped, odd.All.Unfinished, odd.Lag.P99 = true, 7, 3, time.Second
	good := sample(3*time.Microsecond, nil)
	for _, report := range []Report{{good, DefaultLimits()}, {good, Limits{}}, {odd, DefaultLimits()}} {
		if err := report.Print(&out); err != nil {
			t.Fatal(err)
		}
		out.WriteString("----\n")
	}
	report := Report{odd, DefaultLimits()}
	if err := report.JSON(&out); err != nil {
		t.Fatal(err)
	}
	goldentest.Check(t, "testdata/report.golden", out.String())
}

// golden compares with a file in testdata.
func TestLatencyText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.00 µs", 7 * time.Microsecond: "7.00 µs", 999 * time.Microsecond: "999 µs", 1234 * time.Microsecond: "1.23 ms",
		12345 * time.Microsecond: "12.3 ms", 99960 * time.Microsecond: "100 ms", time.Second: "1.00 s", 61 * time.Second: "61.0 s", time.Hour: "3,600 s",
	} {
		if got := latencyText(d); got != want {
			t.Errorf("%s is written %q, want %q", d, got, want)
		}
	}
}

func TestProgress(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, terminal := range []bool{false, true} {
		var out bytes.Buffer
		p := NewProgress(&out, terminal, time.Minute)
		for i := range 13 {
			p.Show(Snapshot{
				Elapsed: time.Duration(i+1) * 5 * time.Second, For: time.Minute, UnderWay: 17, Errors: 1234, Period: p.Period(),
				Recent: Figures{Count: uint64(4950 + random.IntN(5)), P50: time.Millisecond, P99: 12 * time.Millisecond},
			})
		}
		p.End()
		want := []string{"/s, p50 1.00 ms, p99 12.0 ms, 1,234 errors, 17 under way", "17 under way, late"}
		if !terminal {
			want = append(want, "load: 10s of 1m0s, 99", "load: 1m5s of 1m0s, 99")
		}
		for _, text := range want {
			if !strings.Contains(out.String(), text) {
				t.Errorf("terminal %t: no %q in %q", terminal, text, out.String())
			}
		}
		if lines := strings.Count(out.String(), "\n"); lines != 13 && !terminal || lines != 0 && terminal {
			t.Errorf("terminal %t: %d lines", terminal, lines)
		}
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	good := DefaultConfig()
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	nan := 0.0
	for want, change := range map[string]func(*Config){
		"0 users":          func(c *Config) { c.Users = 0 },
		"200000 users":     func(c *Config) { c.Users = 200_000 },
		"a run of 0s":      func(c *Config) { c.For = 0 },
		"a run of 48h":     func(c *Config) { c.For = 48 * time.Hour },
		"-1 operations/s":  func(c *Config) { c.Rate = -1 },
		"NaN operations/s": func(c *Config) { c.Rate = nan / nan },
		"timeout 0s":       func(c *Config) { c.Timeout = 0 },
		"tail time 2h":     func(c *Config) { c.TailTime = 2 * time.Hour },
		"period -1s":       func(c *Config) { c.Period = -time.Second },
		"0 NATS clients":   func(c *Config) { c.Connections = 0 },
		"no operation":     func(c *Config) { c.Mix = nil },
		"no base URL":      func(c *Config) { c.HTTP = "ftp://x" },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	for text, want := range map[string]string{
		"127.0.0.1:9099": "http://127.0.0.1:9099", "https://hal9.example/": "https://hal9.example", "http://x/hal9": "http://x/hal9",
		"": "", "http://": "", "http://x?y": "",
	} {
		if got, err := baseURL(text); got != want || (err != nil) != (want == "") {
			t.Errorf("baseURL(%q) = %q, %v", text, got, err)
		}
	}
}
