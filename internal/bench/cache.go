package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

// How much a round of the cache has.
const (
	cacheSignals  = 400_000
	cacheContents = 20_000 // distinct: they come again and again under new ids
)

// measureCache compares L1's cached answers with a cache under plain string keys that does the same work: it knows
// every identity and the answer to every content.
func measureCache(ctx context.Context, s *session, row *Row) error {
	n, contents := s.scale(cacheSignals), s.scale(cacheContents)
	signals := distinctContents(contents)
	var ours, theirs []float64
	for round := range s.cfg.Rounds {
		for _, c := range []struct {
			name   string
			fresh  func() (layers.Layer, error)
			result *[]float64
		}{{"L1", newHashedCache, &ours}, {"string keys", newStringCache, &theirs}} {
			if s.cfg.Alone && c.result == &theirs {
				continue
			}
			rate, err := answersPerSecond(ctx, c.fresh, signals, n)
			if err != nil {
				return err
			}
			*c.result = append(*c.result, rate)
			s.say("  %s, round %d of %d, %s: %s answers/s", row.ID, round+1, s.cfg.Rounds, c.name, grouped(rate))
		}
	}
	row.Value, row.Rounds = new(median(ours)), s.cfg.Rounds
	row.addNote("%s contents that come again under new ids; both know identities and contents and forget the least recently used; "+
		"by processor time, garbage collection and all", grouped(float64(contents)))
	if !s.cfg.Alone {
		row.Yardstick = new(median(theirs))
		row.addNote("the yardstick's keys are cut at %d bytes, so that contents that begin alike get each other's answer, which L1's digests rule out", stringKeyMost)
	}
	return nil
}

// cacheRules are rules as an operator writes them; the last one answers.
func cacheRules() []reflexive.Rule {
	return []reflexive.Rule{
		{Name: "maintenance", When: `key == "node-under-repair"`, Then: reflexive.ActionSuppress},
		{Name: "health", When: `text.contains("GET /healthz")`, Then: reflexive.ActionResolve},
		{Name: "fine", When: `severity <= info`, Then: reflexive.ActionResolve},
	}
}

// distinctContents returns signals that differ in content and have no id yet.
func distinctContents(contents int) []layers.Envelope {
	list := make([]layers.Envelope, contents)
	at := time.Now()
	for i := range list {
		host := fmt.Sprintf("node-%03d", i%500)
		list[i] = layers.Envelope{ReceivedAt: at, Signal: layers.Signal{
			Source: "web", Type: "log", Key: host, Time: at, Severity: layers.SeverityInfo,
			Labels: map[string]string{"host": host, "region": "eu-1"},
			Text:   fmt.Sprintf("GET of order %06d took 120 ms for user 4711: served from the cache, no call to the backend was needed", i),
		}}
	}
	return list
}

// answersPerSecond has a fresh cache answer every content once and then measures how it answers n signals with
// the same contents under new ids.
func answersPerSecond(ctx context.Context, fresh func() (layers.Layer, error), contents []layers.Envelope, n int) (float64, error) {
	cache, err := fresh()
	if err != nil {
		return 0, err
	}
	ids := make([]string, len(contents)+n)
	for i := range ids {
		ids[i] = fmt.Sprintf("b%08d", i)
	}
	watch := stopwatch{}
	for i, id := range ids {
		if i == len(contents) {
			watch = startWatch()
		}
		e := contents[i%len(contents)]
		e.ID, e.Origin = id, uint64(i)+1
		d, err := cache.Decide(ctx, &e)
		if err != nil {
			return 0, err
		}
		if d.Disposition != layers.DispositionResolved {
			return 0, fmt.Errorf("signal %s was %s: %s", e.ID, d.Disposition, d.Reason)
		}
	}
	return float64(n) / watch.worked().Seconds(), ctx.Err()
}

func newHashedCache() (layers.Layer, error) {
	cfg := reflexive.DefaultConfig()
	cfg.Rules, cfg.Scope = cacheRules(), expr.SignalScope
	return reflexive.New(cfg, expr.Signal)
}
