package bus

import (
	"bytes"
	"strconv"

	"github.com/nats-io/nats.go"

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

// batch is a group of messages to one stream with one answer to all of them. The server stores them in
// order and ends the batch at the first that it can't store.
type batch struct {
	prefix  string // up to the number
	size    int
	records []*pipeline.Record
	text    []byte
}

// batch registers a batch of so many messages.
func (c *call) batch(size int) *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	number := strconv.FormatUint(c.number, 10)
	c.batched = &batch{
		prefix: c.prefix + "." + c.token + number + batchFlow,
		size:   size, records: make([]*pipeline.Record, 0, size),
	}
	return c.batched
}

// next returns the reply subject of the batch's next message.
func (b *batch) next(r *pipeline.Record) string {
	b.records = append(b.records, r)
	n := len(b.records)
	b.text = strconv.AppendInt(append(b.text[:0], b.prefix...), int64(n), 10)
	switch n {
	case b.size:
		b.text = append(b.text, batchCommit...)
	case 1:
		b.text = append(b.text, batchStart...)
	default:
		b.text = append(b.text, batchAdd...)
	}
	return string(b.text)
}

// batchAnswer takes an answer to a batch. Flow control and gaps need nothing: the answer that ends the batch
// says how many messages it holds.
func (c *call) batchAnswer(m *nats.Msg) {
	if bytes.HasPrefix(m.Data, []byte(`{"type"`)) {
		return
	}
	count, _ := readAnswer(m) // What is wrong shows where the messages are stored one by one.
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.batched == nil {
		return // It has ended; each message behind its end is answered, too.
	}
	if count < c.batched.size {
		c.unstored = c.batched.records
	}
	c.batched = nil
	c.answered(nil)
}
