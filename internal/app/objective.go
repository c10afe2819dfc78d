package app

import (
	"encoding/json"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/pipeline"
)

// tally feeds a tracker with verdicts or situations, and makes records of the alerts that follow.
type tally struct {
	*strategic.Tracker
	situations bool
}

// Count implements pipeline.Tally.
func (t tally) Count(d *pipeline.Delivery) ([]pipeline.Record, error) {
	var alerts []layers.Signal
	if t.situations { // Anybody may publish there: what can't be read says nothing.
		var s layers.Situation
		if json.Unmarshal(d.Data, &s) == nil {
			alerts = t.ObserveSituation(&s, d.Stored)
		}
	} else {
		var v layers.Verdict
		if pipeline.ReadVerdict(d.Data, &v) == nil {
			alerts = t.Observe(&v)
		}
	}
	var records []pipeline.Record
	for i := range alerts {
		record, err := pipeline.OwnSignalRecord(&alerts[i])
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

// newTally makes the tracker of a life of an objectives' stage.
func (a *App) newTally(key pipeline.StageKey) (pipeline.Tally, error) {
	if key.Situations {
		tracker, err := a.kit().SituationTracker()
		if err != nil {
			return nil, err
		}
		a.situations.Store(tracker)
		return tally{tracker, true}, nil
	}
	tracker, err := a.kit().Tracker()
	if err != nil {
		return nil, err
	}
	a.tracker.Store(tracker)
	return tally{tracker, false}, nil
}
