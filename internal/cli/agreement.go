package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
)

// addVotes adds the votes on the plan that came after its last event: each stands on record for itself.
func (t *Teller) addVotes(ctx context.Context, s *Story) error {
	if s.plan == nil || len(s.plan.Actions) == 0 {
		return nil
	}
	register, err := t.Bus.Register(ctx)
	if err != nil {
		return err
	}
	err = register.Read(ctx, s.plan.ID, func(e bus.Entry) {
		var vote layers.Vote
		known := func(v layers.Vote) bool { return v.Voter == vote.Voter }
		if strings.Contains(e.Key, ".vote.") && json.Unmarshal(e.Value, &vote) == nil && !slices.ContainsFunc(s.plan.Votes, known) {
			s.plan.Votes = append(s.plan.Votes, vote)
			s.LaterVotes = append(s.LaterVotes, vote)
		}
	})
	slices.SortFunc(s.plan.Votes, func(a, b layers.Vote) int { return a.Voter - b.Voter })
	return err
}

// actionText says what an action does.
func actionText(a *layers.Action) string {
	switch {
	case a.Webhook != "":
		return "post to " + a.Webhook
	case a.Publish != "":
		return "publish on " + a.Publish
	default:
		return "note: " + a.Note
	}
}

// agreement tells how a plan with actions was decided on and what came of it.
func (x *Explain) agreement(p *page, plan *layers.Plan) {
	if plan.Decision != "" {
		p.row("decided", fmt.Sprintf("%s: %s (%d needed), at %s", decided(plan), plan.Decision, plan.Quorum, x.moment(plan.DecidedAt)))
	}
	for i, vote := range plan.Votes {
		name, answer := "", "no"
		if i == 0 {
			name = "votes"
		}
		if vote.Yes {
			answer = "yes"
		}
		p.row(name, fmt.Sprintf("%d %s: %s (%s)", vote.Voter, answer, vote.Reason, vote.By))
	}
	for i, result := range plan.Results {
		name := ""
		if i == 0 {
			name = "results"
		}
		text := fmt.Sprintf("%d. %s, %s, the last took %s", result.Action, result.State, plural(result.Attempts, "attempt"),
			shortTime(time.Duration(result.TookUS)*time.Microsecond))
		if result.Error != "" {
			text += ": " + result.Error
		}
		p.row(name, text)
	}
}

// decided returns the decision's word: later events follow an agreement only.
func decided(plan *layers.Plan) layers.PlanEvent {
	if plan.Event == layers.PlanRejected {
		return layers.PlanRejected
	}
	return layers.PlanAgreed
}
