package operational

import (
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// correlator makes situations of flagged signals.
type correlator struct {
	cfg     Config
	open    []*openSituation // in the order of opening
	related map[token][]*openSituation
	sources map[string]*sourceClock // those of the open situations
	ids     int                     // member ids kept in all open situations
	opened  uint64                  // situations since the start, to order them
	milds   []mild                  // in the order of arrival, at most mildMax
	paces   map[string]*alertPace   // of senders of alerts, at most pacesMax
	chance  func() float64          // surprise that is reached once a day by chance
	graph   *topology
}

func newCorrelator(cfg Config) *correlator {
	return &correlator{cfg: cfg, related: map[token][]*openSituation{}, sources: map[string]*sourceClock{}, paces: map[string]*alertPace{}}
}

// member is a flagged signal on its way into a situation.
type member struct {
	e        *layers.Envelope
	at       time.Time
	source   string
	key      string
	severity layers.Severity
	tokens   []token
	node     string // its service in the graph, or its key
	absence  string // id of the notice where it is one, and its return will be told
	mild     bool   // so many are as unusual by chance that it keeps no situation open
}

func (c *correlator) newMember(e *layers.Envelope, at time.Time) member {
	m := member{e: e, at: at, source: sourceOf(e), key: keyName(e), severity: severityOf(e), tokens: tokensOf(e)}
	said := c.graph.reader.read(e)
	m.node = said.node(m.key)
	m.tokens = append(m.tokens, token{tokenNode, m.node})
	if fires(e) {
		m.tokens = append(m.tokens, token{tokenStorm, m.source})
	}
	if n, ok := readNotice(e); ok {
		if n.Holds {
			m.absence = n.Absence
		}
		if n.Quiet {
			m.tokens = append(m.tokens, token{tokenQuiet, ""})
		}
	}
	return m
}

// anomaly is how strange the signal is, 0..1.
func (m *member) anomaly() float64 { return min(max(m.e.Findings.Anomaly, 0), 1) }

// sourceOf returns the source that a signal is about: HAL9's own notices are about another.
func sourceOf(e *layers.Envelope) string {
	if e.Source == OwnSource {
		if about := e.Labels[labelAbsent]; about != "" {
			return short(about)
		}
	}
	return short(e.Source)
}

// severityOf returns the severity that a flagged signal has for a situation: as stated, and a
// warning at least, since it was flagged. An extreme anomaly that states none is an error.
func severityOf(e *layers.Envelope) layers.Severity {
	least := layers.SeverityWarning
	if e.Severity < layers.SeverityWarning && e.Findings.Anomaly >= anomalyExtreme {
		least = layers.SeverityError
	}
	return min(max(e.Severity, least), layers.SeverityCritical)
}

// decide closes what the signal's event time has passed, then lets it join a situation, open
// one, or pass as too mild to open one.
func (c *correlator) decide(e *layers.Envelope, at time.Time) layers.Decision {
	m := c.newMember(e, at)
	m.mild = c.isMild(e)
	var events []layers.Event
	if e.Severity < layers.SeverityCritical { // Under overload it overtakes the others, which may still join what is open.
		events = c.pass(m.source, at)
	}
	if fires(e) {
		c.paced(m)
	}
	var d layers.Decision
	switch s := c.find(m); {
	case s != nil:
		d = c.join(s, m)
	case c.opens(m):
		m.mild = false
		d = c.begin(m, nil)
	default:
		c.remember(m)
		d = layers.Decision{
			Disposition: layers.DispositionResolved,
			Reason:      plain(reasonOf(e)+"; too mild to open a situation, and none is open that it belongs to", reasonMax),
		}
	}
	d.Events = append(events, d.Events...)
	return d
}

// begin opens a situation with its first member, to which more may be added before it is announced.
func (c *correlator) begin(m member, more func(*openSituation)) layers.Decision {
	s := newOpenSituation(m)
	s.graph = c.graph
	c.insert(s)
	c.add(s, m)
	c.gather(s, m)
	if more != nil {
		more(s)
	}
	opened := s.announce(layers.SituationOpened)
	events := []layers.Event{{Situation: opened}}
	for len(c.open) > c.cfg.MaxSituations {
		events = append(events, c.close(c.open[0], c.open[0].public.UpdatedAt))
	}
	m.e.Findings.Situation = copySituation(opened)
	return layers.Decision{
		Disposition: layers.DispositionEscalated,
		Reason:      plain("opened situation "+opened.ID+": "+reasonOf(m.e), reasonMax),
		Events:      events,
	}
}

// join adds a member. It climbs with the situation where it makes it worse.
func (c *correlator) join(s *openSituation, m member) layers.Decision {
	before := s.public.Severity
	c.add(s, m)
	c.gather(s, m)
	if s.public.Severity > before {
		return c.worsen(s, m, before)
	}
	d := layers.Decision{
		Disposition: layers.DispositionFolded,
		Reason:      plain("joined situation "+s.public.ID+" ("+counted(float64(s.public.Members), "member")+"): "+reasonOf(m.e), reasonMax),
	}
	if s.isDue() {
		d.Events = []layers.Event{{Situation: s.announce(layers.SituationUpdated)}}
	}
	m.e.Findings.Situation = s.outline()
	return d
}

// worsen tells that a member made the situation worse. It climbs with it.
func (c *correlator) worsen(s *openSituation, m member, before layers.Severity) layers.Decision {
	updated := s.announce(layers.SituationUpdated)
	m.e.Findings.Situation = copySituation(updated)
	return layers.Decision{
		Disposition: layers.DispositionEscalated,
		Reason:      plain("worsened situation "+updated.ID+" from "+before.String()+" to "+updated.Severity.String()+": "+reasonOf(m.e), reasonMax),
		Events:      []layers.Event{{Situation: updated}},
	}
}

// add makes the signal a member and the situation findable by what the signal is related to.
func (c *correlator) add(s *openSituation, m member) {
	if !m.mild {
		if s.addSource(m) {
			c.count(m.source)
		}
		c.watch(m.source, m.at)
	}
	if s.add(m, c.ids < situationIDsMax) {
		c.ids++
	}
	for _, t := range m.tokens {
		if s.learn(t) {
			c.related[t] = append(c.related[t], s)
		}
	}
}

// insert adds an open situation with what it is related to already.
func (c *correlator) insert(s *openSituation) {
	c.opened++
	s.order = c.opened
	c.open = append(c.open, s)
	c.ids += len(s.public.MemberIDs)
	for _, t := range s.tokens {
		c.related[t] = append(c.related[t], s)
	}
	for _, source := range s.sources {
		c.count(source.name)
		c.watch(source.name, source.last)
	}
}

// remove forgets an open situation.
func (c *correlator) remove(s *openSituation) {
	c.open = slices.DeleteFunc(c.open, func(o *openSituation) bool { return o == s })
	c.ids -= len(s.public.MemberIDs)
	for _, source := range s.sources {
		if clock := c.sources[source.name]; clock.situations > 1 {
			clock.situations--
		} else {
			delete(c.sources, source.name)
		}
	}
	for _, t := range s.tokens {
		left := slices.DeleteFunc(c.related[t], func(o *openSituation) bool { return o == s })
		if len(left) == 0 {
			delete(c.related, t)
		} else {
			c.related[t] = left
		}
	}
}

func reasonOf(e *layers.Envelope) string {
	if e.Findings.FlagReason != "" {
		return e.Findings.FlagReason
	}
	return "flagged without a reason"
}
