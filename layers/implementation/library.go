package implementation

// library keeps the templates of all sources within the bounds of the configuration. What was
// not used for longest is forgotten first.
type library struct {
	cfg    Config
	miners map[string]*miner
	order  recency[*miner]
	total  int
	clock  uint64 // counts uses
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
	m.order.touch(&t.place)
	b.order.touch(&m.place)
	b.forget()
	return t, fresh
}

func (b *library) miner(source string) *miner {
	m := b.miners[source]
	if m == nil {
		m = newMiner(source)
		b.miners[source] = m
	}
	return m
}

// forget brings the library back within its bounds.
func (b *library) forget() {
	for len(b.miners) > b.cfg.MaxSources {
		b.drop(b.order.oldest())
	}
	for newest := b.order.root.previous.value; newest.count > b.cfg.MaxTemplates; {
		b.forgetTemplate(newest)
	}
	for b.total > b.cfg.MaxTotal {
		b.forgetTemplate(b.order.oldest())
	}
}

func (b *library) forgetTemplate(m *miner) {
	m.remove(m.order.oldest())
	b.total--
	if m.count == 0 {
		b.drop(m)
	}
}

func (b *library) drop(m *miner) {
	b.total -= m.count
	b.order.remove(&m.place)
	delete(b.miners, m.source)
}
