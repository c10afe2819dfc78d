package pipeline

import (
	"runtime"
	"time"
)

// turnTime is after how long a stage lets other goroutines have the processor. A process with little CPU and many busy partitions must find
// the time to renew its leases, which takes several goroutines: each would wait for all partitions, for a whole time slice of each.
const turnTime = time.Millisecond

// giveWay lets others have the processor where that was long ago, and returns what time it is then.
func (s *stage) giveWay() time.Time {
	now := s.deps.Now()
	if now.Sub(s.yielded) > turnTime {
		runtime.Gosched()
		s.yielded, now = now, s.deps.Now()
	}
	return now
}
