package load

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
)

// Config says who does what to which HAL9.
type Config struct {
	NATS        bus.Config    // address and credentials; default NATS on this machine
	HTTP        string        // base URL, http:// where it names no scheme; default http://127.0.0.1:9099
	Users       int           // default 1,000
	For         time.Duration // how long operations are scheduled; default 60 s
	Rate        float64       // operations/s of all users together; 0, the default, for one per user and second
	Mix         Mix           // what users do; default DefaultMix
	Timeout     time.Duration // for one operation once begun, the verdict included; default 10 s
	TailTime    time.Duration // how long a tail stays open behind its first result; default 3 s
	Connections int           // NATS clients that users share, two connections each; default 4
	Seed        uint64        // of schedule, operations and signals; default 1
	Period      time.Duration // between two snapshots; default 5 s
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	cfg := Config{
		NATS: bus.DefaultConfig(), HTTP: "http://127.0.0.1:9099",
		Users: 1000, For: time.Minute, Mix: DefaultMix(), Timeout: 10 * time.Second, TailTime: 3 * time.Second,
		Connections: 4, Seed: 1, Period: 5 * time.Second,
	}
	cfg.NATS.Name = "hal9-load"
	return cfg
}

// Bounds of a run: what is beyond is a mistake, or needs more than one machine.
const (
	usersMax       = 100_000
	rateMax        = 1e6
	durationMax    = 24 * time.Hour
	connectionsMax = 64
)

// Validate reports everything that is wrong, joined.
func (c *Config) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf("load: "+format, args...)) }
	if c.Users < 1 || c.Users > usersMax {
		wrong("%d users: want 1 to %d", c.Users, usersMax)
	}
	if c.For <= 0 || c.For > durationMax {
		wrong("a run of %s: want more than 0 and at most %s", c.For, durationMax)
	}
	if !(c.Rate >= 0 && c.Rate <= rateMax) { // Not a number is neither.
		wrong("%g operations/s: want at most %g, or 0 for one per user and second", c.Rate, rateMax)
	}
	if c.Connections < 1 || c.Connections > connectionsMax {
		wrong("%d NATS clients: want 1 to %d", c.Connections, connectionsMax)
	}
	for name, d := range map[string]time.Duration{"timeout": c.Timeout, "tail time": c.TailTime, "period": c.Period} {
		if d <= 0 || d > time.Hour {
			wrong("%s %s: want more than 0 and at most an hour", name, d)
		}
	}
	if c.Mix.web() {
		if _, err := baseURL(c.HTTP); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(append(problems, c.Mix.validate())...)
}

// rate is the operations/s of all users together.
func (c *Config) rate() float64 {
	if c.Rate > 0 {
		return c.Rate
	}
	return float64(c.Users)
}

// gap is the mean time between two operations of a user.
func (c *Config) gap() time.Duration {
	return time.Duration(float64(c.Users) / c.rate() * float64(time.Second))
}

// baseURL returns the address of HAL9's HTTP side without a slash at its end.
func baseURL(text string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" {
		return "", fmt.Errorf("load: %q is no base URL: want one such as http://127.0.0.1:9099", text)
	}
	return strings.TrimRight(u.String(), "/"), nil
}
