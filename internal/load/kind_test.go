package load

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/2lab-ai/hal9/internal/bus"
)

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Kind
		slow bool
	}{
		{nil, "", false},
		{&StatusError{Status: 429}, KindRefused, false},
		{fmt.Errorf("x: %w", &bus.BusyError{Err: errors.New("full")}), KindRefused, false},
		{&StatusError{Status: 503}, KindUnavailable, false},
		{&StatusError{Status: 500}, "status 500", false},
		{&StatusError{Status: 404}, "status 404", false},
		{&AnswerError{What: "x"}, KindWrongAnswer, false},
		{ErrDead, KindDead, false},
		{fmt.Errorf("x: %w: %w", ErrNoVerdict, context.DeadlineExceeded), KindNoVerdict, true},
		{ErrNoResult, KindNoResult, true},
		{ErrNotBegun, KindNotBegun, true},
		{errOver, KindTimeout, true},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), KindTimeout, true},
		{fmt.Errorf("x: %w", bus.ErrDisconnected), KindConnection, false},
		{errors.New("anything"), KindOther, false},
	} {
		if got := KindOf(c.err); got != c.want || got.slow() != c.slow {
			t.Errorf("KindOf(%v) = %q, slow %t; want %q, %t", c.err, got, got.slow(), c.want, c.slow)
		}
	}
}
