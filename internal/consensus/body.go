package consensus

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// bury keeps an action that was not done, or may not have been, as a dead letter, once.
func (r *errand) bury(ctx context.Context, s *actionState) error {
	id := keyOfAction(r.plan.ID, s.Action) + ".dead"
	if r.again {
		if buried, err := r.stored(ctx, pipeline.StreamDead, id); err != nil || buried {
			return err
		}
	}
	body, err := r.body(s.Action)
	if err != nil {
		return err
	}
	record := pipeline.Record{
		Subject: pipeline.SubjectDeadAction, ID: id, Data: body,
		Header: map[string]string{
			pipeline.HeaderError:    pipeline.OneLine(fmt.Sprintf("action %d of %s: %s: %s", s.Action, r.plan.ID, s.State, s.Error)),
			pipeline.HeaderLayer:    "action",
			pipeline.HeaderAttempts: strconv.Itoa(s.Attempts),
			pipeline.HeaderStream:   pipeline.StreamPlans,
			pipeline.HeaderSeq:      strconv.FormatUint(r.delivery.Sequence, 10),
		},
	}
	return r.council.deps.Bus.Publish(ctx, []pipeline.Record{record})
}

// body is what a target gets: plan, situation and action as JSON, and the fields beside them.
func (r *errand) body(n int) ([]byte, error) {
	c := r.council
	c.mu.Lock()
	situation := c.view.Situation(r.plan.SituationID)
	c.mu.Unlock()
	plan := r.plan
	plan.Event = layers.PlanAgreed
	all := map[string]any{"plan": &plan, "action": n, "idempotency_key": idempotencyKey(plan.ID, n)}
	if situation != nil {
		all["situation"] = situation
	}
	for name, value := range plan.Actions[n-1].Fields {
		if _, taken := all[strings.ToLower(name)]; !taken {
			all[name] = value
		}
	}
	data, err := json.Marshal(all)
	if err != nil {
		return nil, layers.Permanent(fmt.Errorf("consensus: %w", err))
	}
	return data, nil
}

func idempotencyKey(id string, n int) string { return id + "." + strconv.Itoa(n) }
