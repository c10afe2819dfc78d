package pipeline

import "time"

// Delivery is a stored message as a Source hands it out.
type Delivery struct {
	Stream  string
	Seq     uint64 // sequence in Stream
	Subject string
	Header  map[string][]string
	Data    []byte
	Stored  time.Time // when the broker stored it
	Pending uint64    // messages behind this one that were not delivered yet
	Attempt int       // 1 on the first delivery, as far as the broker remembers

	// Until is when the broker may give it to somebody else: nothing that follows from it may be stored any more. Zero
	// where it is the stage's own.
	Until time.Time
	// Handle is the Source's own; stages leave it alone.
	Handle any
}

// HeaderValue returns the first value of a header, or "".
func (d *Delivery) HeaderValue(name string) string {
	if values := d.Header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Record is something to store.
type Record struct {
	Subject string
	ID      string // made from the cause, so that storing it again changes nothing; none for packs
	Trace   string // traceparent, beside Header
	Header  map[string]string
	More    map[string][]string // of names in Header that have several values, those behind the first; else nil
	Data    []byte
}

// SetValues gives a header its values, of which there is one at least.
func (r *Record) SetValues(name string, values []string) {
	if r.Header == nil {
		r.Header = map[string]string{}
	}
	r.Header[name] = values[0]
	delete(r.More, name)
	if len(values) == 1 {
		return
	}
	if r.More == nil {
		r.More = map[string][]string{}
	}
	r.More[name] = values[1:]
}

// Values returns all values of a header.
func (r *Record) Values(name string) []string {
	value, ok := r.Header[name]
	if !ok {
		return nil
	}
	return append([]string{value}, r.More[name]...)
}

// Checkpoint is where a stage stands: every message up to Offset is settled, and State is
// the layer's snapshot at that point.
type Checkpoint struct {
	Offset   uint64
	State    []byte
	Ledger   Ledger // filled when it is saved, where nil
	Revision uint64 // of the stored checkpoint; 0 where there is none yet. It fences out stale owners.
}

// Ledger says for streams of results up to where they were filled when a checkpoint was saved: what follows from
// messages behind the checkpoint is stored behind it. Sequences tell that whatever the clocks do.
type Ledger map[string]uint64

// Backlog is what waits in a stage's stream when the stage starts.
type Backlog struct {
	Born   time.Time // when the stream was made
	Oldest time.Time // when the first unsettled message was stored
	First  uint64    // sequence of the first unsettled message
	Last   uint64    // up to here a message may have been worked on before
	Empty  bool
}

// FullError says that a broker refuses records for now, such as a stream that is full. The same records may be
// stored later.
type FullError struct {
	Left []Record // not stored yet, in order
	Err  error
}

func (e *FullError) Error() string { return "pipeline: no room for now: " + e.Err.Error() }

// Unwrap returns the broker's own error.
func (e *FullError) Unwrap() error { return e.Err }
