package reflexive

// fires takes in that an alert fires, and returns who acknowledged it.
func (b *Board) fires(r *report) (view, *Ack) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.at(r)
	v := c.fires(r)
	b.noted(r, &v, c)
	a, ok := b.acks[r.key]
	if b.behind != nil {
		a, ok = b.behind.ackOf(r.key)
	}
	switch {
	case !ok:
		return v, nil
	case !v.older && v.was.Seen > 0 && !v.was.Firing && r.at > a.At.UnixMicro():
		if b.behind == nil {
			b.unack(r.key) // It was given for what ended meanwhile: this is another episode.
		}
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
		c = b.conditions.put(r.key, condition{})
		if b.behind == nil || !b.takeOver(r, c) {
			return c
		}
	}
	b.conditions.touch(r.key)
	r.expired = c.Seen > 0 && !within(c.when(), r.when, r.window)
	return c
}

// takeOver has a scout's board begin with what L1 knows. Between that and the scout's range the alert may have ended and begun anew, unless
// its sender says that it began when it did: otherwise what climbed before counts as forgotten.
func (b *Board) takeOver(r *report, c *condition) (ok bool) {
	if *c, ok = b.behind.copied(r.key); ok && r.when != c.Began {
		c.Shown = shown{}
	}
	return ok
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
