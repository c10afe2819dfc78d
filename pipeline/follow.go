package pipeline

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// follow puts what a decision calls for into the outbox: the signal for the next stage or its
// verdict, and the announcements.
func (w *layerWorker) follow(p *parcel, decision *layers.Decision, d *Delivery, s *stage, start time.Time) error {
	p.takeKey()
	now := w.deps.Now()
	done := effect{
		seq: d.Seq, disposition: decision.Disposition, again: decision.Again,
		wait: max(0, start.Sub(d.Stored)), process: now.Sub(start),
	}
	p.Hops = append(p.Hops, layers.Hop{
		Layer: w.key.Layer, WaitUS: done.wait.Microseconds(), ProcessUS: done.process.Microseconds(),
	})
	before := false // whether it was stored and counted
	switch {
	case decision.Again:
	case w.key.Layer == layers.NameL1 && s.replay.handled(d, &p.identity):
		return nil // By this process or another, which did not live to acknowledge it, or to say how far it is.
	case decision.Disposition == layers.DispositionEscalated:
		if err := s.out.send(w.lane(p, decision.Correlate, s.out), p); err != nil {
			return err
		}
	default:
		verdict, err := w.verdict(p, decision, now, s.out)
		if err != nil {
			return err
		}
		done.final = s.add(d, verdict)
		before = !done.final // Perhaps without what is announced on account of it.
		done.endToEnd = max(0, now.Sub(p.ReceivedAt))
	}
	if len(decision.Events) > 0 {
		records, err := eventRecords(w.key.Layer, decision.Events, p.TraceParent)
		if err != nil {
			return err
		}
		s.out.list = append(s.out.list, s.replay.missing(d, records)...)
	}
	if !before {
		s.out.effects = append(s.out.effects, done)
	}
	return nil
}

// lane returns the way to the next layer, or to the correlator of the signal's own layer.
func (w *layerWorker) lane(p *parcel, correlate bool, out *outbox) *lane {
	if correlate {
		return out.across()
	}
	if w.key.Scouts() || w.key.Shared() && !w.cfg.InOrder && isCritical(&p.Envelope) && w.isBehind(p.Key) {
		return out.critical()
	}
	next, _ := w.key.Layer.Next()
	return out.up(PartitionFor(next, &p.Envelope, w.key.Partitions))
}

// isBehind reports whether the partition of a key at L2 is behind.
func (w *layerWorker) isBehind(key string) bool {
	if w.deps.Pressure == nil {
		return false
	}
	partition := PartitionOf(key, w.key.Partitions)
	return w.deps.Pressure.Behind(StageKey{Layer: layers.NameL2, Partition: partition, Partitions: w.key.Partitions}) > BehindSome
}

// add takes a result unless it is stored already.
func (s *stage) add(d *Delivery, record Record) bool {
	if _, stored := s.replay.known(d)[record.ID]; stored {
		return false
	}
	s.out.list = append(s.out.list, record)
	return true
}

func (w *layerWorker) verdict(p *parcel, decision *layers.Decision, now time.Time, out *outbox) (Record, error) {
	v := VerdictOn(&p.Envelope, w.key.Layer, decision, now)
	begin := len(out.text)
	text, err := appendVerdict(out.text, &v)
	if err != nil {
		return Record{}, layers.Permanent(fmt.Errorf("pipeline: verdict on %s: %w", p.ID, err))
	}
	out.text = text
	return Record{
		Subject: SubjectOfVerdict(w.key.Layer, decision.Disposition),
		ID:      p.identity.text(),
		Trace:   p.TraceParent,
		Data:    text[begin:len(text):len(text)],
	}, nil
}

// VerdictOn returns the verdict that a layer's final decision on an envelope is.
func VerdictOn(e *layers.Envelope, layer layers.Name, decision *layers.Decision, now time.Time) layers.Verdict {
	v := layers.Verdict{
		SignalID: e.ID, Source: e.Source, Key: e.Key, Type: e.Type, Layer: layer, Disposition: decision.Disposition,
		Reason: decision.Reason, Rule: decision.Rule, Severity: e.Severity,
		TemplateID: e.Findings.TemplateID, Template: e.Findings.Template, Anomaly: e.Findings.Anomaly, Classes: e.Findings.Classes,
		Evidence:  e.Findings.Evidence,
		PlanID:    e.Findings.PlanID,
		EventTime: e.Time, ReceivedAt: e.ReceivedAt, DecidedAt: now.UTC(),
		TraceID: traceID(e.TraceParent), Hops: e.Hops, Marks: e.Findings.Marks,
	}
	if e.HasValue {
		value := e.Value
		v.Value = &value
	}
	if e.Findings.Situation != nil {
		v.SituationID = e.Findings.Situation.ID
	}
	if e.Findings.FlagReason != "" && layer > layers.NameL3 { // Else it stands in the reason.
		proof := *e.Findings.Proof()
		proof.Flag = e.Findings.FlagReason
		v.Evidence = &proof
	}
	return v
}

// eventRecords returns what a layer announces, and what others are told of it.
func eventRecords(from layers.Name, events []layers.Event, traceParent string) ([]Record, error) {
	var records []Record
	for _, event := range events {
		record := Record{Trace: traceParent}
		var err error
		switch {
		case event.Situation != nil:
			record.Subject = SubjectSituations + "." + string(event.Situation.Event)
			record.ID = situationRecordID(from, event.Situation)
			record.Data, err = json.Marshal(event.Situation)
		case event.Plan != nil:
			record.Subject = SubjectPlans + "." + string(event.Plan.Event)
			record.ID = planRecordID(event.Plan)
			record.Data, err = json.Marshal(event.Plan)
		case event.Signal != nil:
			record, err = OwnSignalRecord(event.Signal) // Its trace is its own.
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("pipeline: encode %s: %w", record.ID, err)
		}
		records = append(records, record)
		if event.Situation == nil || from != layers.NameL4 {
			continue
		}
		note, err := PlannedNote(event.Situation)
		if err == nil {
			record, err = NoteRecord(layers.NameL3, 0, note)
		}
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}
