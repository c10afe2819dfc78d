package bus

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// How the processes tell each other how far behind their stages are.
const (
	pressurePeriod = 100 * time.Millisecond // between looks at what changed
	pressureAgain  = 4 * time.Second        // a stage that is behind says so again
	pressureTime   = 3 * pressureAgain      // what was not said again is over
	pressureLeast  = pipeline.BehindSome / 2
	pressureOld    = time.Second      // a stage that reports nothing for so long is at a long burst, or held back itself
	pressureGiveUp = 10 * time.Minute // after which it is not asked any more: the stage is elsewhere
)

// Pressures shares how far behind the stages of all processes are, in a bucket. It implements
// pipeline.Pressure.
type Pressures struct {
	bus  *Bus
	keys jetstream.KeyValue

	mu     sync.Mutex
	stages map[string]*pressure // by stage name
}

// pressure is what is known of one stage.
type pressure struct {
	key     pipeline.StageKey // where this process reported it
	stage   time.Time         // when the stage itself said so last
	waiting time.Duration
	at      time.Time     // when that was so
	own     bool          // reported by this process
	said    time.Duration // last told to the others
	saidAt  time.Time
}

// Pressures opens the bucket.
func (b *Bus) Pressures(ctx context.Context) (*Pressures, error) {
	keys, err := b.bucket(ctx, pipeline.BucketPressure)
	if err != nil {
		return nil, err
	}
	return &Pressures{bus: b, keys: keys, stages: map[string]*pressure{}}, nil
}

// Report implements pipeline.Pressure.
func (p *Pressures) Report(key pipeline.StageKey, waiting time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.known(key.Name())
	known.waiting, known.at, known.own = waiting, time.Now(), true
	known.key, known.stage = key, known.at
}

// Forget implements pipeline.Pressure.
func (p *Pressures) Forget(key pipeline.StageKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.stages[key.Name()]; known != nil {
		known.own = false
		if key.Scouts() { // Nobody else says how far it is.
			known.waiting = 0
		}
	}
}

// silent returns the own stages that have not reported for a while.
func (p *Pressures) silent(now time.Time) (keys []pipeline.StageKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, known := range p.stages {
		if known.own && !known.key.Scouts() && now.Sub(known.at) > pressureOld && now.Sub(known.stage) < pressureGiveUp {
			keys = append(keys, known.key)
		}
	}
	return keys
}

// look asks the server whether anything waits for a stage that is silent: a slow layer is long at one burst, and what
// comes meanwhile must not pile up behind it. Then it is behind by as long as it is silent, at least; that alone is
// never BehindMuch, since few signals may wait.
func (p *Pressures) look(ctx context.Context, key pipeline.StageKey) {
	ctx, cancel := ask(ctx)
	defer cancel()
	consumer, err := p.bus.js.Consumer(ctx, key.Stream(), key.Durable())
	if err != nil {
		p.bus.log.DebugContext(ctx, "pressure unknown", "stage", key.Name(), "error", err)
		return
	}
	info := consumer.CachedInfo()
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.known(key.Name())
	now := time.Now()
	switch {
	case !known.own: // It has left meanwhile.
	case now.Sub(known.stage) <= pressureOld: // It has reported meanwhile.
	case info.NumPending == 0 && (key.Shared() || info.NumAckPending <= 0): // What is in others' hands at L1 says nothing.
		known.waiting, known.at = 0, now
	default:
		known.waiting, known.at = max(known.waiting, min(now.Sub(known.stage), pipeline.BehindMuch)), now
	}
}

func (p *Pressures) known(stage string) *pressure {
	known := p.stages[stage]
	if known == nil {
		known = &pressure{}
		p.stages[stage] = known
	}
	return known
}

// Behind implements pipeline.Pressure.
func (p *Pressures) Behind(key pipeline.StageKey) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.stages[key.Name()]
	if known == nil || time.Since(known.at) > pressureTime {
		return 0
	}
	return known.waiting
}

// Run tells and listens until ctx ends.
func (p *Pressures) Run(ctx context.Context) {
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() { p.listen(ctx) })
	ticker := time.NewTicker(pressurePeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, key := range p.silent(time.Now()) {
				p.look(ctx, key)
			}
			for stage, waiting := range p.changed(time.Now()) {
				p.tell(ctx, stage, waiting)
			}
		case <-ctx.Done():
			return
		}
	}
}

// changed returns what the others must know: a stage that fell behind or caught up by half, or is still behind.
func (p *Pressures) changed(now time.Time) map[string]time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list map[string]time.Duration
	for stage, known := range p.stages {
		if !known.own || known.key.Scouts() { // The scout's matters to its own process.
			continue
		}
		waiting := known.waiting
		if waiting < pressureLeast || now.Sub(known.at) > pressureTime {
			waiting = 0
		}
		differs := max(waiting, known.said)-min(waiting, known.said) > known.said/2
		if !differs && (waiting == 0 || now.Sub(known.saidAt) < pressureAgain) {
			continue
		}
		if list == nil {
			list = map[string]time.Duration{}
		}
		known.said, known.saidAt = waiting, now
		list[stage] = waiting
	}
	return list
}

func (p *Pressures) tell(ctx context.Context, stage string, waiting time.Duration) {
	ctx, cancel := ask(ctx)
	defer cancel()
	if _, err := p.keys.Put(ctx, stage, strconv.AppendInt(nil, waiting.Microseconds(), 10)); err != nil {
		p.bus.log.DebugContext(ctx, "pressure not told", "stage", stage, "error", err)
	}
}

// listen hears the other processes; where it can't, it begins again.
func (p *Pressures) listen(ctx context.Context) {
	for ctx.Err() == nil {
		follow := Follow{Stream: "KV_" + pipeline.BucketPressure}
		err := follow.Run(ctx, p.bus, func(m *Message) {
			stage := m.Subject[len("$KV."+pipeline.BucketPressure+"."):]
			waiting, err := strconv.ParseInt(string(m.Data), 10, 64)
			if err != nil {
				return // A marker: what it ends is over by then.
			}
			p.hear(stage, time.Duration(waiting)*time.Microsecond)
		})
		if err != nil {
			p.bus.log.DebugContext(ctx, "pressure not heard", "error", err)
		}
		if pipeline.Pause(ctx, pressureAgain) != nil {
			return
		}
	}
}

func (p *Pressures) hear(stage string, waiting time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.known(stage)
	if known.own && time.Since(known.at) < pressureTime {
		return
	}
	known.waiting, known.at, known.own = waiting, time.Now(), false
}
