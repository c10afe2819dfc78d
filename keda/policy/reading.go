package policy

import (
	"encoding/json"
	"time"
)

// Reading is what was measured of a layer at one time, all partitions together. Everything counts signals, not messages.
type Reading struct {
	Waiting  uint64        `json:"waiting"`  // not taken yet
	Working  uint64        `json:"working"`  // taken and not finished
	Parked   uint64        `json:"parked"`   // failed, and waiting for another try: no work that could be shared out now
	Oldest   time.Duration `json:"-"`        // age of the oldest unfinished signal, be it a parked one; 0 where there is none
	Arrived  uint64        `json:"arrived"`  // that came in so far; only differences between readings count, and one that falls begins anew
	Finished uint64        `json:"finished"` // that were finished so far, likewise

	Replicas   int  `json:"replicas"`   // processes that work on the layer now
	Partitions int  `json:"partitions"` // among which replicas can share the work; 0 where any number can
	Busy       int  `json:"busy"`       // partitions with unfinished signals; 0 where that is not known
	Crowded    bool `json:"crowded"`    // the layer below waits for this one
	HeldBack   bool `json:"held_back"`  // this layer waits for the next one
}

// Work returns the signals that replicas can share out: what is parked is none.
func (r Reading) Work() uint64 { return r.Waiting + r.Working }

// Unfinished returns all signals that are not finished, the parked ones included.
func (r Reading) Unfinished() uint64 { return r.Work() + r.Parked }

type readingFields Reading

type readingJSON struct {
	readingFields
	Oldest int64 `json:"oldest_us"`
}

// MarshalJSON writes durations as microseconds.
func (r Reading) MarshalJSON() ([]byte, error) {
	return json.Marshal(readingJSON{readingFields(r), r.Oldest.Microseconds()})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Reading) UnmarshalJSON(data []byte) error {
	var v readingJSON
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*r = Reading(v.readingFields)
	r.Oldest = micros(v.Oldest)
	return nil
}
