package bench

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
)

// Profile says where profiles of a run go; an empty name is none.
type Profile struct {
	CPU    string // file for the processor profile
	Memory string // file for the allocation profile
}

// Start begins the profiles and returns what ends and writes them. They show the whole process, so a run
// that is to show HAL9 leaves out the yardsticks.
func (p Profile) Start() (stop func() error, err error) {
	finish := func() error { return nil }
	if p.CPU != "" {
		file, err := os.Create(p.CPU)
		if err != nil {
			return nil, fmt.Errorf("bench: CPU profile: %w", err)
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return nil, errors.Join(fmt.Errorf("bench: CPU profile: %w", err), file.Close())
		}
		finish = func() error {
			pprof.StopCPUProfile()
			return file.Close()
		}
	}
	return func() error { return errors.Join(finish(), p.writeMemory()) }, nil
}

func (p Profile) writeMemory() error {
	if p.Memory == "" {
		return nil
	}
	file, err := os.Create(p.Memory)
	if err != nil {
		return fmt.Errorf("bench: allocation profile: %w", err)
	}
	if err := pprof.Lookup("allocs").WriteTo(file, 0); err != nil {
		return errors.Join(fmt.Errorf("bench: allocation profile: %w", err), file.Close())
	}
	return file.Close()
}
