package bus

import (
	"strconv"

	"github.com/2lab-ai/hal9/pipeline"
)

// What the server calls the operations of a fast batch, in the reply subjects of its messages:
// <prefix>.<batch id>.<flow>.<gap mode>.<number>.<operation>.$FI (nats-server 2.14 and later).
const (
	batchStart  = ".0.$FI"
	batchAdd    = ".1.$FI"
	batchCommit = ".2.$FI"
	// An answer every so many messages; the publisher waits for the last alone.
	batchFlow = ".500.fail."
)

// group is what one call stores in one stream, with one answer to all of it.
type group struct {
	lane     string
	records  []int // indices
	answered bool
	stored   int // how many of them, in order
	err      error
}

// group divides records by stream and expects one answer for each.
func (c *call) group(records []pipeline.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for i := range records {
		lane := laneOf(records[i].Subject)
		at := 0
		for at < n && c.groups[at].lane != lane {
			at++
		}
		if at == n {
			if n++; n > len(c.groups) {
				c.groups = append(c.groups, group{})
			}
			c.groups[at] = group{lane: lane, records: c.groups[at].records[:0]}
		}
		c.groups[at].records = append(c.groups[at].records, i)
	}
	c.groups = c.groups[:n]
	c.open += n
}

// reply returns the reply subject of a group's message.
func (c *call) reply(number, i int) string {
	size := len(c.groups[number].records)
	c.text = append(append(c.text[:0], c.prefix...), '.')
	c.text = strconv.AppendInt(c.text, int64(number), 10)
	if size == 1 {
		return string(c.text)
	}
	c.text = append(append(c.text, '.'), c.token...)
	c.text = strconv.AppendUint(append(c.text, '-'), c.number, 10)
	c.text = strconv.AppendInt(append(c.text, '-'), int64(number), 10)
	c.text = strconv.AppendInt(append(c.text, batchFlow...), int64(i+1), 10)
	switch i + 1 {
	case size:
		c.text = append(c.text, batchCommit...)
	case 1:
		c.text = append(c.text, batchStart...)
	default:
		c.text = append(c.text, batchAdd...)
	}
	return string(c.text)
}

// left returns the records that are not known to be stored, in order.
func (c *call) left(records []pipeline.Record) []pipeline.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	var left []pipeline.Record
	for _, g := range c.groups {
		for _, i := range g.records[g.stored:] {
			left = append(left, records[i])
		}
	}
	return left
}
