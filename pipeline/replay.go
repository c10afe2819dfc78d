package pipeline

// replay knows what earlier lives of a stage have stored already, so that working on the same
// messages again stores nothing twice, however long the stage was away.
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

func (r *replay) known(d *Delivery) map[string]struct{} {
	if d.Seq <= r.horizon {
		return r.stored
	}
	r.stored = nil
	if d.Attempt > 1 {
		return r.again
	}
	return nil
}
