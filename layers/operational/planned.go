package operational

import (
	"encoding/json"
	"fmt"

	"github.com/2lab-ai/hal9/layers"
)

// recalledMax is how many recalled situations are taken from a note: as many as L4 recalls at most.
const recalledMax = 20

// hearSituation notes which plan L4 has for a situation and what it recalled, so that later events say it, too.
func (l *Layer) hearSituation(n *layers.Note) error {
	var told layers.Situation
	if err := json.Unmarshal(n.Data, &told); err != nil {
		return fmt.Errorf("operational: note %s: %w", n.ID, err)
	}
	if l.correlator == nil {
		return nil
	}
	for _, s := range l.correlator.open {
		if s.public.ID == told.ID && told.Revision > s.planned && told.Revision <= s.public.Revision {
			s.planned, s.public.PlanID, s.public.Recalled = told.Revision, told.PlanID, told.Recalled[:min(len(told.Recalled), recalledMax)]
		}
	}
	return nil
}
