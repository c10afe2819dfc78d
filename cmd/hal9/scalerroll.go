package main

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"time"

	memory "github.com/2lab-ai/hal9/internal/host"
	"github.com/2lab-ai/hal9/internal/journal"
	"github.com/2lab-ai/hal9/internal/scaling"
	"github.com/2lab-ai/hal9/internal/web"
)

// rollErrors bounds how many errors a scaler tells when all processes are asked: each answer is one message.
const rollErrors = 30

// scalerRoll is what a scaler says of itself when all processes are asked: as the others, without layers.
type scalerRoll struct {
	Status scalerStatus    `json:"status"`
	Errors []journal.Entry `json:"errors,omitempty"`
}

type scalerStatus struct {
	Version   string          `json:"version"`
	Commit    string          `json:"commit"`
	StartedAt time.Time       `json:"started_at"`
	Ready     bool            `json:"ready"`
	Checks    []scaling.Check `json:"checks"`
	Process   web.Process     `json:"process"`
}

// answerRoll answers whoever asks all processes until ctx ends. That it can't costs nobody a replica.
func (s *site) answerRoll(ctx context.Context, name string, scaler *scaling.Scaler) {
	started := time.Now()
	err := s.bus.AnswerRoll(ctx, func() []byte {
		answer, err := json.Marshal(s.roll(name, started, scaler.Ready()))
		if err != nil {
			s.log.WarnContext(ctx, "roll not answered", "error", err)
		}
		return answer
	})
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "roll not answered", "error", err)
	}
}

func (s *site) roll(name string, started time.Time, checks []scaling.Check) scalerRoll {
	machine, _ := os.Hostname() // Unknown stays empty.
	build, errors := thisBuild(), s.journal.Entries()
	roll := scalerRoll{Errors: errors[:min(len(errors), rollErrors)]}
	roll.Status = scalerStatus{
		Version: build.Version, Commit: build.Commit, StartedAt: started.UTC(), Ready: true, Checks: checks,
		Process: web.Process{
			Name: name, Role: "scaler", Host: machine, PID: os.Getpid(), Now: time.Now().UTC(), Goroutines: runtime.NumGoroutine(), Memory: memory.NewReader("/").Memory(),
		},
	}
	for _, c := range checks {
		roll.Status.Ready = roll.Status.Ready && c.OK
	}
	return roll
}
