package implementation

// library keeps the templates of all sources within the bounds of the configuration. What was
// not used for longest is forgotten first; finding it takes a walk, which only a new template
// pays for.
type library struct {
	cfg    Config
	miners map[string]*miner
	total  int
	clock  uint64 // counts uses: the order in which things are forgotten
}

func newLibrary(cfg Config) *library {
	return &library{cfg: cfg, miners: map[string]*miner{}}
}

// find returns the line's template, and whether it is new.
func (b *library) find(source string, l *line, structured bool) (t *template, fresh bool) {
	m := b.miner(sourceName(source))
	if t = m.find(l, structured); t == nil {
		t, fresh = m.add(l, structured), true
		b.total++
	}
	b.clock++
	t.seen++
	t.used, m.used = b.clock, b.clock
	b.forget(m)
	return t, fresh
}

func (b *library) miner(source string) *miner {
	m := b.miners[source]
	if m == nil {
		m = newMiner(source)
		m.used = b.clock + 1
		b.miners[source] = m
	}
	return m
}

// forget brings the library back within its bounds; only grown can be beyond one of its own.
func (b *library) forget(grown *miner) {
	if len(b.miners) > b.cfg.MaxSources {
		stale := b.stalest()
		b.total -= stale.count
		delete(b.miners, stale.source)
	}
	if grown.count > b.cfg.MaxTemplates {
		grown.remove(grown.stalest())
		b.total--
	}
	if b.total > b.cfg.MaxTotal {
		stale := b.stalest()
		stale.remove(stale.stalest())
		b.total--
		if stale.count == 0 {
			delete(b.miners, stale.source)
		}
	}
}

// stalest is the source not heard of for longest.
func (b *library) stalest() *miner {
	var stale *miner
	for _, m := range b.miners { // No two have the same use: the order does not matter.
		if stale == nil || m.used < stale.used {
			stale = m
		}
	}
	return stale
}

// stalest is the template not seen for longest.
func (m *miner) stalest() *template {
	var stale *template
	for _, leaf := range m.leaves {
		for _, t := range leaf {
			if stale == nil || t.used < stale.used {
				stale = t
			}
		}
	}
	return stale
}
