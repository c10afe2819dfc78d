package web

import (
	"errors"
	"fmt"
	"time"
)

// Config bounds what the server takes and how long it waits. Hosts may be empty; everything
// else must be above zero.
type Config struct {
	MaxBodyBytes     int64 // one request's body, as sent and unpacked; default 8 MiB
	MaxItems         int   // signals in one request; default 10,000
	MaxInFlight      int   // requests with signals at the same time; default 2,048
	MaxInFlightBytes int64 // bodies of these requests together; default 64 MiB

	ReadHeaderTimeout time.Duration // from the connection's first byte to the header's end; default 5 s
	ReadTimeout       time.Duration // for the whole request; default 30 s
	SubmitTimeout     time.Duration // for storing a request's signals; default 10 s
	WriteTimeout      time.Duration // from the header's end to the answer's; default 60 s, must be above read and submit together
	IdleTimeout       time.Duration // of a connection without a request; default 2 min
	CheckTimeout      time.Duration // for one probe or one look at the status; default 2 s
	DrainTimeout      time.Duration // for requests in flight at the end; default 10 s

	RetryAfter time.Duration // what busy answers advise, where the intake says nothing; default 1 s

	// Hosts are host names, without port, under which this server may be asked while it
	// listens on a loopback address, beside localhost, *.localhost and IP addresses: what a
	// proxy on the same machine passes on. Default none.
	Hosts []string
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		MaxBodyBytes:      8 << 20,
		MaxItems:          10_000,
		MaxInFlight:       2048,
		MaxInFlightBytes:  64 << 20,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		SubmitTimeout:     10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		CheckTimeout:      2 * time.Second,
		DrainTimeout:      10 * time.Second,
		RetryAfter:        time.Second,
	}
}

// Validate reports every impossible value.
func (c Config) Validate() error {
	var problems []error
	for _, field := range []struct {
		name  string
		value int64
	}{
		{"MaxBodyBytes", c.MaxBodyBytes},
		{"MaxItems", int64(c.MaxItems)},
		{"MaxInFlight", int64(c.MaxInFlight)},
		{"MaxInFlightBytes", c.MaxInFlightBytes},
	} {
		if field.value <= 0 {
			problems = append(problems, fmt.Errorf("web: %s is %d: want a number above 0", field.name, field.value))
		}
	}
	problems = append(problems, c.validateTimes()...)
	if c.MaxInFlightBytes < c.MaxBodyBytes {
		problems = append(problems, fmt.Errorf("web: MaxInFlightBytes is %d: want at least MaxBodyBytes, %d",
			c.MaxInFlightBytes, c.MaxBodyBytes))
	}
	if c.WriteTimeout <= c.ReadTimeout+c.SubmitTimeout {
		problems = append(problems, fmt.Errorf("web: WriteTimeout is %s: want more than ReadTimeout and SubmitTimeout together, %s",
			c.WriteTimeout, c.ReadTimeout+c.SubmitTimeout))
	}
	return errors.Join(problems...)
}

func (c Config) validateTimes() (problems []error) {
	for _, field := range []struct {
		name  string
		value time.Duration
	}{
		{"ReadHeaderTimeout", c.ReadHeaderTimeout},
		{"ReadTimeout", c.ReadTimeout},
		{"SubmitTimeout", c.SubmitTimeout},
		{"WriteTimeout", c.WriteTimeout},
		{"IdleTimeout", c.IdleTimeout},
		{"CheckTimeout", c.CheckTimeout},
		{"DrainTimeout", c.DrainTimeout},
		{"RetryAfter", c.RetryAfter},
	} {
		if field.value <= 0 {
			problems = append(problems, fmt.Errorf("web: %s is %s: want a duration above 0", field.name, field.value))
		}
	}
	return problems
}
