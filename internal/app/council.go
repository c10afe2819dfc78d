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

// newCouncil makes voters, clerk and the teller of outcomes in the process that runs L4. One that speaks for the whole takes in
// what people say of outcomes, too.
func (a *App) newCouncil(ctx context.Context) (err error) {
	if a.cfg.NewLayer != nil || !a.runs(layers.NameL4) && !a.cfg.Whole {
		return nil
	}
	a.teller = outcome.New(a.bus, a.log, time.Now)
	if !a.runs(layers.NameL4) {
		return nil
	}
	a.council, err = consensus.New(ctx, consensus.Config{
		Council: a.cfg.File.Consensus, Playbooks: a.cfg.File.Playbooks, Process: a.name, Partitions: a.partitions,
	}, consensus.Deps{
		Bus: a.bus, Leases: a.leases, Compile: expr.Situation, Client: http.DefaultClient, Observer: a.metrics, Log: a.log, Now: time.Now,
	})
	return err
}
