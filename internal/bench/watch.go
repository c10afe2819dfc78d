package bench

import "time"

// stopwatch measures work of this process.
type stopwatch struct {
	began time.Time
	used  time.Duration
}

func startWatch() stopwatch { return stopwatch{time.Now(), cpuTime()} }

// took returns the time that passed.
func (w stopwatch) took() time.Duration { return time.Since(w.began) }

// spent returns the processor time that the process used meanwhile, 0 where the system does not say.
func (w stopwatch) spent() time.Duration { return cpuTime() - w.used }

// worked returns the processor time, and where that is unknown the time that passed. Other work on the machine
// does not count in it.
func (w stopwatch) worked() time.Duration {
	if spent := w.spent(); spent > 0 {
		return spent
	}
	return w.took()
}
