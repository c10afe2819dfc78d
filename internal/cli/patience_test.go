package cli_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/2lab-ai/hal9/internal/cli"
)

var (
	errAway = errors.New("away")
	errNo   = errors.New("no")
	errB    = errors.New("12 are missing")
)

func TestPatience(t *testing.T) {
	tests := map[string]struct {
		bound time.Duration
		fails []error // of one try after the other; nil after the last
		want  string  // how the error ends; "" for none
		tries int
		took  time.Duration
		lines int // of the log
	}{
		"at once":        {bound: time.Minute, tries: 1},
		"the third time": {bound: time.Minute, fails: []error{errAway, errAway}, tries: 3, took: 4 * time.Second, lines: 1},
		"new reasons": {
			bound: time.Minute, fails: []error{errAway, errB, errAway, errB, errB, errB, errB, errB, errB, errB}, tries: 11,
			took: 20 * time.Second, lines: 2,
		},
		"no hope":     {bound: time.Minute, fails: []error{errAway, errNo}, want: "no", tries: 2, took: 2 * time.Second, lines: 1},
		"no patience": {fails: []error{errAway}, want: "away", tries: 1},
		"too late": {
			bound: 5 * time.Second, fails: []error{errAway, errAway, errAway, errAway}, want: "away (tried for 5s)",
			tries: 3, took: 5 * time.Second, lines: 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				p := cli.Patience{
					Bound: tt.bound, Pause: 2 * time.Second, Hopes: func(err error) bool { return !errors.Is(err, errNo) },
					Log: slog.New(slog.NewTextHandler(&log, nil)),
				}
				began, tries := time.Now(), 0
				err := p.Try(t.Context(), func(context.Context) error {
					tries++
					if tries <= len(tt.fails) {
						return tt.fails[tries-1]
					}
					return nil
				})
				if got := errorText(err); got != tt.want {
					t.Errorf("Try = %q, want %q", got, tt.want)
				}
				if took := time.Since(began); tries != tt.tries || took != tt.took {
					t.Errorf("%d tries in %s, want %d in %s", tries, took, tt.tries, tt.took)
				}
				if got := strings.Count(log.String(), "\n"); got != tt.lines {
					t.Errorf("%d log lines, want %d:\n%s", got, tt.lines, log.String())
				}
			})
		})
	}
}

func TestPatienceEndsWhenAskedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		p := cli.Patience{Bound: time.Hour, Pause: 2 * time.Second, Hopes: func(error) bool { return true }, Log: slog.New(slog.DiscardHandler)}
		if err := p.Try(ctx, func(context.Context) error { return errAway }); !errors.Is(err, errAway) || strings.Contains(err.Error(), "tried for") {
			t.Errorf("Try = %v, want %v alone", err, errAway)
		}
	})
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
