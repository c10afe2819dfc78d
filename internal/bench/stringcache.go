package bench

import (
	"container/list"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

// stringKeyMost is where the plain cache cuts its keys, bytes.
const stringKeyMost = 256

// stringCache is the yardstick of L1: it does the same with keys that are strings, put together from a
// signal's parts and cut, in maps with the standard library's list as their order.
type stringCache struct {
	window  time.Duration
	rules   []layers.Condition[layers.Signal]
	answer  []layers.Decision
	seen    *lru[time.Time]
	answers *lru[int]
}

func newStringCache() (layers.Layer, error) {
	cfg := reflexive.DefaultConfig()
	c := &stringCache{window: cfg.DedupWindow, seen: newLRU[time.Time](cfg.DedupEntries), answers: newLRU[int](cfg.AnswerEntries)}
	for _, rule := range cacheRules() {
		holds, err := expr.Signal(rule.When)
		if err != nil {
			return nil, err
		}
		c.rules = append(c.rules, holds)
		d := layers.Decision{Disposition: layers.DispositionResolved, Rule: rule.Name, Reason: "rule " + rule.Name}
		if rule.Then == reflexive.ActionSuppress {
			d.Disposition = layers.DispositionSuppressed
		}
		c.answer = append(c.answer, d)
	}
	return c, nil
}

// Decide implements layers.Layer.
func (c *stringCache) Decide(_ context.Context, e *layers.Envelope) (layers.Decision, error) {
	id := e.Source + "|" + e.ID
	if at, ok := c.seen.get(id); ok && e.ReceivedAt.Sub(at) <= c.window {
		return layers.Decision{Disposition: layers.DispositionSuppressed, Reason: "duplicate"}, nil
	}
	c.seen.put(id, e.ReceivedAt)
	key := contentKey(&e.Signal)
	if rule, ok := c.answers.get(key); ok {
		return c.answer[rule], nil
	}
	for i, holds := range c.rules {
		if holds(&e.Signal) {
			c.answers.put(key, i)
			return c.answer[i], nil
		}
	}
	return layers.Decision{Disposition: layers.DispositionEscalated, Reason: "no rule"}, nil
}

// contentKey puts a key together as one does in a hurry, and cuts it.
func contentKey(s *layers.Signal) string {
	var b strings.Builder
	b.Grow(stringKeyMost)
	for _, part := range [...]string{s.Source, s.Type, s.Key, s.Severity.String(), s.Text} {
		b.WriteString(part)
		b.WriteByte('|')
	}
	if s.HasValue {
		b.WriteString(strconv.FormatFloat(s.Value, 'g', -1, 64))
	}
	names := make([]string, 0, len(s.Labels))
	for name := range s.Labels {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString("|" + name + "=" + s.Labels[name])
	}
	b.WriteByte('|')
	b.Write(s.Data)
	key := b.String()
	return key[:min(len(key), stringKeyMost)]
}

// lru is a bounded map that forgets what was used least recently.
type lru[V any] struct {
	most  int
	items map[string]*list.Element
	order *list.List // the most recently used first
}

type lruItem[V any] struct {
	key   string
	value V
}

func newLRU[V any](most int) *lru[V] {
	return &lru[V]{most: most, items: map[string]*list.Element{}, order: list.New()}
}

func (l *lru[V]) get(key string) (value V, ok bool) {
	element, ok := l.items[key]
	if !ok {
		return value, false
	}
	l.order.MoveToFront(element)
	return element.Value.(*lruItem[V]).value, true
}

// put remembers a key that is not there.
func (l *lru[V]) put(key string, value V) {
	if len(l.items) >= l.most {
		oldest := l.order.Back()
		l.order.Remove(oldest)
		delete(l.items, oldest.Value.(*lruItem[V]).key)
	}
	l.items[key] = l.order.PushFront(&lruItem[V]{key, value})
}
