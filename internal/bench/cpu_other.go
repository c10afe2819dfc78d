//go:build !unix

package bench

import "time"

// cpuTime returns 0: this system does not say what processor time the process has used.
func cpuTime() time.Duration { return 0 }
