package app

import (
	"context"
	"os"
	"runtime"
	"time"

	"github.com/2lab-ai/hal9/internal/host"
	"github.com/2lab-ai/hal9/internal/web"
)

// answerRoll says how this process is whenever somebody asks all of them.
func (a *App) answerRoll(ctx context.Context) {
	err := a.bus.AnswerRoll(ctx, func() []byte {
		answer, err := a.server.Roll(ctx)
		if err != nil {
			a.log.WarnContext(ctx, "roll not answered", "error", err)
		}
		return answer
	})
	if err != nil && ctx.Err() == nil {
		a.log.WarnContext(ctx, "roll not answered", "error", err)
	}
}

// process returns what there is to say of this process itself.
func (a *App) process() *web.Process {
	name, _ := os.Hostname() // Unknown stays empty.
	return &web.Process{
		Name: a.name, Host: name, PID: os.Getpid(), Now: time.Now().UTC(),
		Goroutines: runtime.NumGoroutine(), Memory: host.NewReader("/").Memory(),
	}
}
