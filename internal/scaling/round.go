package scaling

import (
	"context"
	"encoding/json"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// storeTime is for how long at most a scaler waits until its decisions are stored.
const storeTime = 2 * time.Second

// round measures all layers, decides, serves and stores. Decisions are served even where they can't be stored: a full NATS needs replicas
// most.
func (s *Scaler) round(ctx context.Context) {
	readings, failed := s.measure(ctx)
	if ctx.Err() != nil {
		return
	}
	s.keptAt = time.Now().UTC()
	decisions := s.kept.Decide(s.keptAt, readings)
	var records []pipeline.Record
	for i, layer := range layers.Names() {
		told := decisions[i]
		if told != nil {
			s.serve(ctx, layer, told)
		} else {
			told = s.fail(ctx, layer, failed[i])
		}
		data, err := json.Marshal(told)
		if err != nil {
			s.log.WarnContext(ctx, "decision can't be written", "layer", layer, "error", err)
			continue
		}
		records = append(records, pipeline.Record{Subject: pipeline.SubjectOfScaling(layer), Data: data})
	}
	s.store(ctx, records)
}

func (s *Scaler) measure(ctx context.Context) (readings []*policy.Reading, failed []error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Fresh/2)
	defer cancel()
	began := time.Now()
	readings, failed = s.meter.read(ctx)
	s.metrics.read(time.Since(began))
	s.beat.Store(time.Now().UnixNano())
	return readings, failed
}

// serve has a decision be what KEDA is answered.
func (s *Scaler) serve(ctx context.Context, layer layers.Name, d *policy.Decision) {
	if d.Wanted != d.Before {
		s.log.InfoContext(ctx, "another number of replicas is needed", "layer", layer, "wanted", d.Wanted, "before", d.Before, "reason", d.Reason)
	}
	s.last[layer] = *d
	s.board.put(layer, *d)
}

// fail notes why a layer could not be measured, and returns what other scalers are told.
func (s *Scaler) fail(ctx context.Context, layer layers.Name, err error) *policy.Decision {
	s.log.WarnContext(ctx, "layer not measured", "layer", layer, "error", err)
	s.metrics.failed(layer)
	missing := bus.IsMissing(err)
	s.board.fail(layer, err, missing)
	last := s.last[layer]
	d := last.Failed(s.keptAt, layer.String(), err.Error(), missing)
	return &d
}

// store publishes decisions, for other scalers and for whoever asks why. It does not hold up the next measurement for long.
func (s *Scaler) store(ctx context.Context, records []pipeline.Record) {
	ctx, cancel := context.WithTimeout(ctx, min(s.cfg.Every, storeTime))
	defer cancel()
	if err := s.bus.Publish(ctx, records); err != nil {
		s.log.WarnContext(ctx, "decisions may not be stored", "error", err)
	}
}
