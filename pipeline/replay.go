package pipeline

// replay knows what earlier lives of a stage have stored already, so that working on the same
// messages again stores no result twice, however long the stage was away.
type replay struct {
	horizon uint64              // up to here a message may have been worked on before
	stored  map[string]struct{} // ids stored for messages up to horizon; nil once past it
	again   map[string]struct{} // ids stored for messages that the broker delivered again
}

// missing returns the records that are not stored yet.
func (r *replay) missing(d *Delivery, records []Record) []Record {
	known := r.known(d)
	if len(known) == 0 {
		return records
	}
	var left []Record
	for _, record := range records {
		if _, ok := known[record.ID]; !ok {
			left = append(left, record)
		}
	}
	return left
}

// handled reports whether L1 has answered the signal or handed it up before.
func (r *replay) handled(d *Delivery, who *identity) bool {
	known := r.known(d)
	if len(known) == 0 {
		return false
	}
	if _, up := known[string(who[:idBytes])]; up {
		return true
	}
	_, answered := known[who.text()]
	return answered
}

func (r *replay) known(d *Delivery) map[string]struct{} {
	switch {
	case d.Seq <= r.horizon && r.stored != nil:
		return r.stored
	case d.Attempt > 1:
		return r.again
	default:
		return nil
	}
}

// passed drops what is held for messages up to the horizon once a burst has gone past it. It comes behind the burst:
// those of a shared stage are in no order.
func (r *replay) passed(burst []Delivery) {
	for i := range burst {
		if burst[i].Seq > r.horizon {
			r.stored = nil
		}
	}
}

// uncertain reports whether a shared stage must read the ledger anew for a delivery: another process
// may have had it.
func (r *replay) uncertain(d *Delivery) bool {
	return d.Attempt > 1 && (d.Seq > r.horizon || r.stored == nil)
}
