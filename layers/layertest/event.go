package layertest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

func checkEvent(event layers.Event) error {
	set := 0
	for _, there := range [...]bool{event.Situation != nil, event.Plan != nil, event.Signal != nil} {
		if there {
			set++
		}
	}
	switch {
	case set != 1:
		return errors.New("want exactly one of situation, plan and signal")
	case event.Signal != nil:
		return checkOwnSignal(event.Signal)
	case event.Situation != nil:
		return checkSituation(event.Situation)
	default:
		return checkPlan(event.Plan)
	}
}

func checkSituation(s *layers.Situation) error {
	var faults []error
	switch s.Event {
	case layers.SituationOpened, layers.SituationUpdated, layers.SituationClosed:
	default:
		faults = append(faults, fmt.Errorf("situation event %q is invalid", s.Event))
	}
	if s.ID == "" || s.Key == "" || s.Title == "" {
		faults = append(faults, fmt.Errorf("situation %q about %q titled %q: none may be empty", s.ID, s.Key, s.Title))
	}
	planned := s.PlanID != "" && s.Event == layers.SituationUpdated // of a revision that is announced already
	if !planned && (s.Event == layers.SituationOpened) != (s.Revision == 1) || s.Revision < 1 {
		faults = append(faults, fmt.Errorf("%s situation of revision %d: want 1 for opened, more for later", s.Event, s.Revision))
	}
	if len(s.MemberIDs) > min(s.Members, layers.SituationMaxMemberIDs) {
		faults = append(faults, fmt.Errorf("%d member ids of %d members", len(s.MemberIDs), s.Members))
	}
	if !isShare(s.Anomaly) {
		faults = append(faults, fmt.Errorf("situation anomaly %v: want 0 to 1", s.Anomaly))
	}
	if !slices.IsSortedFunc(s.Entities, func(a, b layers.Entity) int { return cmp.Compare(b.Score, a.Score) }) {
		faults = append(faults, fmt.Errorf("entities %v: want the most likely cause first", s.Entities))
	}
	return errors.Join(faults...)
}

func checkPlan(p *layers.Plan) error {
	var faults []error
	switch p.Event {
	case layers.PlanProposed, layers.PlanAgreed, layers.PlanRejected, layers.PlanExecuted, layers.PlanFailed:
	default:
		faults = append(faults, fmt.Errorf("plan event %q is invalid", p.Event))
	}
	if p.ID == "" || p.SituationID == "" || p.Title == "" {
		faults = append(faults, fmt.Errorf("plan %q for %q titled %q: none may be empty", p.ID, p.SituationID, p.Title))
	}
	if len(p.Steps) == 0 || len(p.Reasons) == 0 {
		faults = append(faults, errors.New("a plan without steps or without reasons"))
	}
	return errors.Join(faults...)
}

// checkOwnSignal wants a signal that L1 can read and knows again.
func checkOwnSignal(s *layers.Signal) error {
	if s.ID == "" || s.Source != "hal9" || s.Type == "" || s.Key == "" || s.Text == "" || s.Time.IsZero() {
		return fmt.Errorf("own signal %+v: want id, type, key, text and time, and the source hal9", s)
	}
	if !utf8.ValidString(s.ID + s.Type + s.Key + s.Text) {
		return fmt.Errorf("own signal %q: want valid UTF-8", s.ID)
	}
	return nil
}
