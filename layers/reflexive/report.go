package reflexive

// fires takes in that an alert fires, and returns who acknowledged it.
func (b *Board) fires(r *report) (view, *Ack) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.at(r)
	v := c.fires(r)
	b.noted(r, &v, c)
	a, ok := b.acks[r.key]
	switch {
	case !ok:
		return v, nil
	case !v.older && v.was.Seen > 0 && !v.was.Firing && r.at > a.At.UnixMicro():
		b.unack(r.key) // It was given for what ended meanwhile: this is another episode.
		return v, nil
	}
	return v, &a
}

// ends takes in that an alert is over, which ends its acknowledgement.
func (b *Board) ends(r *report) view {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.at(r)
	v := c.ends(r)
	b.noted(r, &v, c)
	if a, ok := b.acks[r.key]; ok && !v.older && r.at >= a.At.UnixMicro() {
		b.unack(r.key)
	}
	return v
}

// climbs takes in that an alert was let through: what says no more is a repetition.
func (b *Board) climbs(r *report) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.conditions.get(r.key)
	if c == nil || !c.Firing {
		return
	}
	c.Shown = shown{Origin: r.e.Origin, Severity: r.e.Severity, Text: r.text.String()}
	if c.Flap.Since != 0 {
		c.Flap.Origin, c.Flap.Severity = r.e.Origin, max(c.Flap.Severity, r.e.Severity)
	}
	b.tell(r.key)
}

// at returns the condition that a report is about.
func (b *Board) at(r *report) *condition {
	c := b.conditions.get(r.key)
	if c == nil {
		return b.conditions.put(r.key, condition{})
	}
	b.conditions.touch(r.key)
	r.expired = c.Seen > 0 && !within(c.when(), r.when, r.window)
	return c
}

// noted has the others hear of what changed, and now and then of what did not, so that they know that it still fires.
func (b *Board) noted(r *report, v *view, c *condition) {
	if v.older {
		return
	}
	b.regroup(r.key, v.was.Groups, c)
	changed := c.Firing != v.was.Firing || c.Severity != v.was.Severity || c.Shown != v.was.Shown || c.Flap != v.was.Flap
	if changed || c.Last-c.told > r.window/3 {
		b.tell(r.key)
	}
}
