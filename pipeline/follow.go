package pipeline

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// IDCorrelate ends the id of the record that takes a flagged signal to its layer's correlator:
// the signal's own id belongs to the message that brought it into that layer.
const IDCorrelate = ".correlate"

// follow makes the records that a decision calls for: the envelope for the next stage or the
// verdict, and the announcements.
func (w *layerWorker) follow(e *layers.Envelope, decision *layers.Decision, d *Delivery, start time.Time) (effect, error) {
	now := w.deps.Now()
	done := effect{
		disposition: decision.Disposition, again: decision.Again,
		wait: max(0, start.Sub(d.Stored)), process: now.Sub(start),
	}
	e.Hops = append(e.Hops, layers.Hop{
		Layer: w.key.Layer, WaitUS: done.wait.Microseconds(), ProcessUS: done.process.Microseconds(),
	})
	if decision.Again {
		return done, nil
	}
	records, err := eventRecords(decision.Events, e.TraceParent)
	if err != nil {
		return effect{}, err
	}
	var record Record
	if decision.Disposition == layers.DispositionEscalated {
		record, err = w.escalation(e, decision.Correlate)
	} else {
		record, err = verdictRecord(e, w.key.Layer, decision, now)
		done.final = true
		done.endToEnd = max(0, now.Sub(e.ReceivedAt))
	}
	if err != nil {
		return effect{}, err
	}
	done.records = append(records, record)
	return done, nil
}

// escalation returns the record that hands e up, or to the correlator of the same layer.
func (w *layerWorker) escalation(e *layers.Envelope, correlate bool) (Record, error) {
	data, err := AppendEnvelope(nil, e)
	if err != nil {
		return Record{}, layers.Permanent(err)
	}
	if len(data) > w.cfg.MaxRecordBytes {
		return Record{}, layers.Permanent(fmt.Errorf(
			"pipeline: the signal with its findings takes %d bytes, one message holds %d: send less", len(data), w.cfg.MaxRecordBytes))
	}
	record := Record{
		ID:     SignalID(e.Source, e.ID),
		Header: map[string]string{HeaderTraceParent: e.TraceParent},
		Data:   data,
	}
	if correlate {
		record.ID += IDCorrelate
		record.Subject = SubjectOf(w.key.Layer, 0)
		return record, nil
	}
	next, _ := w.key.Layer.Next()
	key := e.Key
	if e.Findings.Situation != nil {
		key = e.Findings.Situation.ID
	}
	record.Subject = SubjectOf(next, PartitionOf(key, w.key.Partitions))
	return record, nil
}

func verdictRecord(e *layers.Envelope, layer layers.Name, decision *layers.Decision, now time.Time) (Record, error) {
	v := layers.Verdict{
		SignalID: e.ID, Source: e.Source, Key: e.Key, Layer: layer, Disposition: decision.Disposition,
		Reason: decision.Reason, Rule: decision.Rule, Severity: e.Severity,
		TemplateID: e.Findings.TemplateID, Template: e.Findings.Template, Anomaly: e.Findings.Anomaly,
		PlanID:    e.Findings.PlanID,
		EventTime: e.Time, ReceivedAt: e.ReceivedAt, DecidedAt: now.UTC(),
		TraceID: traceID(e.TraceParent), Hops: e.Hops,
	}
	if e.Findings.Situation != nil {
		v.SituationID = e.Findings.Situation.ID
	}
	data, err := json.Marshal(&v)
	if err != nil {
		return Record{}, fmt.Errorf("pipeline: encode verdict on %s: %w", e.ID, err)
	}
	return Record{
		Subject: SubjectOfVerdict(layer, decision.Disposition),
		ID:      SignalID(e.Source, e.ID),
		Header:  map[string]string{HeaderTraceParent: e.TraceParent},
		Data:    data,
	}, nil
}

func eventRecords(events []layers.Event, traceParent string) ([]Record, error) {
	var records []Record
	for _, event := range events {
		record := Record{Header: map[string]string{}}
		var err error
		switch {
		case event.Situation != nil:
			record.Subject = SubjectSituations + "." + string(event.Situation.Event)
			record.ID = situationRecordID(event.Situation)
			record.Data, err = json.Marshal(event.Situation)
		case event.Plan != nil:
			record.Subject = SubjectPlans + "." + string(event.Plan.Event)
			record.ID = planRecordID(event.Plan)
			record.Data, err = json.Marshal(event.Plan)
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("pipeline: encode %s: %w", record.ID, err)
		}
		if traceParent != "" {
			record.Header[HeaderTraceParent] = traceParent
		}
		records = append(records, record)
	}
	return records, nil
}
