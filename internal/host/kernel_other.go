//go:build !linux

package host

import (
	"errors"
	"time"
)

// errSystem says what this system can't tell.
var errSystem = errors.New("host: only Linux tells")

// Kills returns whom the kernel killed for want of memory.
func (r Reader) Kills(time.Time) ([]Kill, error) { return nil, errSystem }

// Disk is the file system of a folder, bytes.
type Disk struct {
	Path  string `json:"path"`
	Total uint64 `json:"total_bytes"`
	Free  uint64 `json:"free_bytes"`
}

// Disk returns the file system of a folder.
func (r Reader) Disk(string) (Disk, error) { return Disk{}, errSystem }
