package outbound_test

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/2lab-ai/hal9/internal/outbound"
	"github.com/2lab-ai/hal9/layers"
)

// TestAnswersOfTargets tells what was refused, and may be tried again, from what may have been done.
func TestAnswersOfTargets(t *testing.T) {
	const done, refused, unknown, never = "done", "refused", "unknown", "never"
	for status, want := range map[int]string{
		200: done, 204: done, 429: refused, 503: refused, 408: unknown, 500: unknown, 501: unknown, 502: unknown, 504: unknown, 599: unknown,
		307: never, 400: never, 404: never, 409: never,
	} {
		tg := newTarget(t, always(status))
		targets := outbound.NewTargets(outbound.Deps{Client: http.DefaultClient, Log: slog.New(slog.DiscardHandler)})
		err := targets.Post(t.Context(), tg.URL, []byte("{}"), "key")
		got := refused
		switch {
		case err == nil:
			got = done
		case errors.Is(err, outbound.ErrUnknown):
			got = unknown
		case layers.IsPermanent(err):
			got = never
		}
		if got != want {
			t.Errorf("%d is %s (%v), want %s", status, got, err, want)
		}
	}
}
