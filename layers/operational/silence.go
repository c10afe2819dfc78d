package operational

import "strings"

// checkSeries reports the series of a key that are silent while the key is not.
func (a *absences) checkSeries(k *keyState, now moment, out *notices) {
	var names []string
	var worst *habit
	for i := range k.series {
		s := &k.series[i]
		if h := s.habit; h != nil && h.due != 0 && h.due <= k.active.count && h.isOver(k.active.count, now) {
			h.silence = &silence{}
			if s.rate != nil && h.gaps < habitTextGaps {
				continue
			}
			names = append(names, s.id.text())
			if worst == nil {
				worst = h
			}
		}
	}
	if len(names) > 0 && k.source.spend() {
		out.add(a.cfg, notice{source: k.source.name, key: k.id.key, parts: names, habit: worst, whole: k.active.count, now: now})
	}
}

// isOver reports whether it is too silent by now; it is due no more then, or later.
func (h *habit) isOver(whole int64, now moment) bool {
	silent, again := h.isSilent(whole, now)
	if h.due = again; silent {
		h.due = 0
	}
	return silent
}

// checkKeys reports the keys of a source that are silent while the source is not.
func (a *absences) checkKeys(src *sourceState, now moment, out *notices) {
	var silent []*keyState
	for _, w := range src.queue.over(src.active.count, now) {
		w.key.habit.silence = &silence{}
		if !src.replaced(w.key) {
			silent = append(silent, w.key)
		}
	}
	if len(silent) > absencesAtOnce {
		if src.spend() {
			names := make([]string, len(silent))
			for i, k := range silent {
				names[i] = k.id.key
			}
			out.add(a.cfg, notice{source: src.name, parts: names, habit: silent[0].habit, whole: src.active.count, now: now})
		}
		return
	}
	for _, k := range silent {
		if src.spend() {
			out.add(a.cfg, notice{source: src.name, key: k.id.key, habit: k.habit, whole: src.active.count, now: now})
		}
	}
}

// checkSources reports the sources that are silent while others are not.
func (a *absences) checkSources(now moment, out *notices) {
	for _, w := range a.queue.over(a.active.count, now) {
		src := w.source
		out.add(a.cfg, notice{source: src.name, key: src.only(), habit: src.habit, whole: a.active.count, now: now})
	}
}

// over takes out what is too silent by now.
func (q *queue) over(whole int64, now moment) []*waiter {
	var silent []*waiter
	for len(*q) > 0 && (*q)[0].due <= whole {
		w := (*q)[0]
		h := w.habit()
		over := h.isOver(whole, now)
		q.set(w, h.due)
		if over {
			silent = append(silent, w)
		}
	}
	return silent
}

func (w *waiter) habit() *habit {
	if w.key != nil {
		return w.key.habit
	}
	return w.source.habit
}

// only returns the source's key where it has one only.
func (src *sourceState) only() string {
	if src.keys == 1 && len(src.queue) == 1 {
		return src.queue[0].key.id.key
	}
	return ""
}

// spend reports whether the source may make a report: those whose parts come and go would make many.
func (src *sourceState) spend() bool {
	src.left = min(absencesLeft, src.left+float64(src.active.count-src.leftAt)*absencesRefill)
	src.leftAt = src.active.count
	if src.left < 1 {
		return false
	}
	src.left--
	return true
}

// bear remembers a new key.
func (src *sourceState) bear(k *keyState) {
	if len(src.births) == birthsMax {
		src.births = append(src.births[:0], src.births[1:]...)
	}
	src.births = append(src.births, birth{k.id.key, src.active.count})
}

// replaced reports whether a key like this one came when it fell silent, such as the next pod of a deployment.
func (src *sourceState) replaced(k *keyState) bool {
	for i, b := range src.births {
		if b.at >= k.habit.last-birthsBefore && b.name != k.id.key && alike(b.name, k.id.key) {
			src.births = append(src.births[:i], src.births[i+1:]...)
			return true
		}
	}
	return false
}

// alike reports whether two names begin alike.
func alike(a, b string) bool {
	short := min(len(a), len(b))
	same := 0
	for same < short && a[same] == b[same] {
		same++
	}
	return same >= 3 && 2*same >= short && strings.TrimRight(a[:same], "0123456789") != ""
}
