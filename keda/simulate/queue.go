package simulate

// batch is what arrived in one second, as far as it is still there.
type batch struct {
	at     float64 // second
	amount float64 // signals
	waited float64 // seconds, once it is finished
}

// queue hands signals out in the order in which they came. It is a fluid: a signal can be divided.
type queue struct {
	batches []batch
	first   int
	length  float64
}

func (q *queue) push(at, amount float64) {
	if amount > 0 {
		q.batches = append(q.batches, batch{at: at, amount: amount})
		q.length += amount
	}
}

// pop takes up to amount out, the oldest first.
func (q *queue) pop(now, amount float64) []batch {
	var out []batch
	for q.first < len(q.batches) && amount > 0 {
		b := &q.batches[q.first]
		taken := min(b.amount, amount)
		out = append(out, batch{at: b.at, amount: taken, waited: now - b.at})
		amount -= taken
		q.length -= taken
		if b.amount -= taken; b.amount > 0 {
			break
		}
		q.first++
	}
	if q.first == len(q.batches) {
		q.batches, q.first, q.length = q.batches[:0], 0, 0
	} else if q.first > 1024 && q.first > len(q.batches)/2 {
		q.batches = append(q.batches[:0], q.batches[q.first:]...)
		q.first = 0
	}
	return out
}

// oldest returns the age of what waits for longest, seconds; 0 where nothing waits.
func (q *queue) oldest(now float64) float64 {
	if q.first == len(q.batches) {
		return 0
	}
	return now - q.batches[q.first].at
}
