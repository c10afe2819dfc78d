package app

import (
	"context"
	"net/http"
	"time"

	"github.com/2lab-ai/hal9/internal/consensus"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/internal/outcome"
	"github.com/2lab-ai/hal9/layers"
)

// newCouncil makes voters, clerk and the teller of outcomes in the process that runs L4.
func (a *App) newCouncil(ctx context.Context) (err error) {
	if !a.runs(layers.NameL4) || a.cfg.NewLayer != nil {
		return nil
	}
	a.teller = outcome.New(a.bus, a.partitions, a.log, time.Now)
	a.council, err = consensus.New(ctx, consensus.Config{
		Council: a.cfg.File.Consensus, Playbooks: a.cfg.File.Playbooks, Process: processName(), Partitions: a.partitions,
	}, consensus.Deps{
		Bus: a.bus, Leases: a.leases, Compile: expr.Situation, Client: http.DefaultClient, Observer: a.metrics, Log: a.log, Now: time.Now,
	})
	return err
}
