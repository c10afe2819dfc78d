package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// State says how far a signal is.
type State string

// The states of a signal.
const (
	StateDecided  State = "decided"
	StateUnderway State = "under_way" // stored and without a verdict yet
)

// Story is all that HAL9 knows about one signal. What was published is given as it was published.
type Story struct {
	State     State           `json:"state"`
	Verdict   json.RawMessage `json:"verdict,omitempty"`
	Situation json.RawMessage `json:"situation,omitempty"` // its latest event
	Plan      json.RawMessage `json:"plan,omitempty"`      // its latest event
	// LaterVotes are those on the plan that came after that event.
	LaterVotes []layers.Vote `json:"later_votes,omitempty"`
	Dead       *DeadLetter   `json:"dead,omitempty"`
	Underway   *Underway     `json:"under_way,omitempty"`
	// OtherSources have a signal of the same id.
	OtherSources []string `json:"other_sources,omitempty"`

	verdict   layers.Verdict
	situation *layers.Situation
	plan      *layers.Plan
}

// DeadLetter is a signal that could not be processed, with the reason.
type DeadLetter struct {
	Number   uint64    `json:"number"` // of the letter, for hal9 dead show
	Error    string    `json:"error"`
	Layer    string    `json:"layer"`
	Attempts int       `json:"attempts"`
	Stream   string    `json:"stream"`
	Seq      uint64    `json:"seq"`
	StoredAt time.Time `json:"stored_at"`
	Payload  string    `json:"payload,omitempty"`        // where it is text
	Binary   []byte    `json:"payload_base64,omitempty"` // where it is not
}

// Underway says where a signal without a verdict was stored last.
type Underway struct {
	ID       string       `json:"id"`
	Source   string       `json:"source"`
	Key      string       `json:"key"`
	Layer    layers.Name  `json:"layer"` // the layer it waits for
	Stream   string       `json:"stream"`
	Seq      uint64       `json:"seq"`
	StoredAt time.Time    `json:"stored_at"`
	Hops     []layers.Hop `json:"hops,omitempty"`
}

// Teller finds out a signal's story.
type Teller struct {
	Bus     *bus.Bus
	Decoder *ingest.Decoder
}

// Tell returns the story of a signal. Where several sources use the id and none is named, it is
// that of the latest verdict. The error is a NotFoundError where nothing is known.
func (t *Teller) Tell(ctx context.Context, id, source string) (*Story, error) {
	about := subject{ID: id, Source: source}
	others := map[string]struct{}{}
	m, ok, err := t.Bus.FindLast(ctx, pipeline.StreamVerdicts, func(m *bus.Message) bool {
		return about.isOf(m) && note(others, m)
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		return t.underway(ctx, about)
	}
	story := &Story{State: StateDecided, Verdict: m.Data}
	if err := json.Unmarshal(m.Data, &story.verdict); err != nil {
		return nil, fmt.Errorf("cli: verdict on %s: %w", id, err)
	}
	delete(others, story.verdict.Source)
	story.OtherSources = sortedKeys(others)
	return story, t.addRest(ctx, story)
}

// note collects the sources of the verdicts that FindLast comes across.
func note(sources map[string]struct{}, m *bus.Message) bool {
	var v struct {
		Source string `json:"source"`
	}
	if json.Unmarshal(m.Data, &v) == nil {
		sources[v.Source] = struct{}{}
	}
	return true
}

// addRest adds what the verdict points at.
func (t *Teller) addRest(ctx context.Context, s *Story) error {
	for _, add := range []func(context.Context, *Story) error{t.addSituation, t.addPlan, t.addVotes, t.addLetter} {
		if err := add(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (t *Teller) addSituation(ctx context.Context, s *Story) error {
	if s.verdict.SituationID == "" {
		return nil
	}
	m, ok, err := t.Bus.FindLast(ctx, pipeline.StreamSituations, situationOf(s.verdict.SituationID))
	if err != nil || !ok {
		return err
	}
	s.Situation, s.situation = m.Data, &layers.Situation{}
	return json.Unmarshal(m.Data, s.situation)
}

func (t *Teller) addPlan(ctx context.Context, s *Story) error {
	id := s.verdict.PlanID
	if id == "" && s.situation != nil {
		id = s.situation.PlanID
	}
	if id == "" && s.verdict.SituationID == "" {
		return nil
	}
	m, ok, err := t.Bus.FindLast(ctx, pipeline.StreamPlans, planOf(id, s.verdict.SituationID))
	if err != nil || !ok {
		return err
	}
	s.Plan, s.plan = m.Data, &layers.Plan{}
	return json.Unmarshal(m.Data, s.plan)
}

func (t *Teller) addLetter(ctx context.Context, s *Story) error {
	if s.verdict.Disposition != layers.DispositionDead {
		return nil
	}
	m, ok, err := t.Bus.FindLast(ctx, pipeline.StreamDead, letterOf(s.verdict.Source, s.verdict.SignalID))
	if err != nil || !ok {
		return err
	}
	s.Dead = &DeadLetter{
		Number: m.Seq,
		Error:  header(&m, pipeline.HeaderError), Layer: header(&m, pipeline.HeaderLayer),
		Stream: header(&m, pipeline.HeaderStream), StoredAt: m.Stored,
	}
	// A header that is no number leaves 0: the letter may be of another version.
	s.Dead.Attempts, _ = strconv.Atoi(header(&m, pipeline.HeaderAttempts))
	s.Dead.Seq, _ = strconv.ParseUint(header(&m, pipeline.HeaderSeq), 10, 64)
	if utf8.Valid(m.Data) {
		s.Dead.Payload = string(m.Data)
	} else {
		s.Dead.Binary = m.Data
	}
	return nil
}

// underway looks for the signal in the streams of the layers, from the highest down: the highest that
// has it is where it is.
func (t *Teller) underway(ctx context.Context, about subject) (*Story, error) {
	partitions, err := t.Bus.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	names := layers.Names()
	for i := range names {
		layer := names[len(names)-1-i]
		for _, key := range pipeline.StagesOf(layer, partitions) {
			stream := key.Stream()
			found := &Underway{Layer: layer, Stream: stream}
			m, ok, err := t.Bus.FindLast(ctx, stream, func(m *bus.Message) bool { return t.match(layer, about, m, found) })
			if err != nil {
				return nil, err
			}
			if ok {
				found.Seq, found.StoredAt = m.Seq, m.Stored
				return &Story{State: StateUnderway, Underway: found}, nil
			}
		}
	}
	return nil, &NotFoundError{about.ID, about.Source}
}

// match reports whether a layer's message is the signal, and notes what it says.
func (t *Teller) match(layer layers.Name, about subject, m *bus.Message, found *Underway) bool {
	if layer == layers.NameL1 {
		return t.matchRaw(about, m, found)
	}
	if header(m, pipeline.HeaderKind) != "" {
		return false
	}
	matched := false
	_ = pipeline.EachEnvelope(m.Data, func(e *layers.Envelope, _ pipeline.Sender, _ pipeline.Position) bool {
		if matched = about.is(e.Source, e.ID); matched {
			found.ID, found.Source, found.Key, found.Hops = e.ID, e.Source, e.Key, e.Hops
		}
		return !matched
	}) // What is no pack is not the signal.
	return matched
}

// matchRaw reads what came from outside as L1 does; what it can't read has a name all the same.
func (t *Teller) matchRaw(about subject, m *bus.Message, found *Underway) bool {
	raw := ingest.Message{Subject: m.Subject, Header: m.Header, Data: m.Data, Seq: m.Seq, Stored: m.Stored}
	source, id, key := pipeline.SourceOf(m.Subject), "", ""
	if item, err := t.Decoder.Message(raw); err == nil {
		source, id, key = item.Signal.Source, item.Signal.ID, item.Signal.Key
	} else {
		id = t.Decoder.FallbackID(raw)
	}
	if !about.is(source, id) {
		return false
	}
	found.ID, found.Source, found.Key = id, source, key
	return true
}

func (s subject) String() string {
	if s.Source == "" {
		return clean(s.ID)
	}
	return clean(s.ID) + " of source " + clean(s.Source)
}
