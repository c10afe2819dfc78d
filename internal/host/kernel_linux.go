package host

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// logMost bounds how many records of the kernel's log are read.
const logMost = 100_000

// Kills returns whom the kernel killed for want of memory, as far as its log goes back. It may take root to read it.
func (r Reader) Kills(now time.Time) ([]Kill, error) {
	name := filepath.Join(r.root, "dev/kmsg")
	file, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("host: the kernel's log %s: %w", name, err)
	}
	defer func() { _ = syscall.Close(file) }()
	var log strings.Builder
	record := make([]byte, 8192) // One read returns one record.
	for range logMost {
		n, err := syscall.Read(file, record)
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EINTR) { // It was overwritten before it was read.
			continue
		}
		if err != nil || n == 0 { // EAGAIN: that was all.
			break
		}
		if text, _, _ := strings.Cut(string(record[:n]), "\n"); strings.Contains(text, "Killed process") {
			log.WriteString(text + "\n")
		}
	}
	return kills(log.String(), r.boot(now)), nil
}

// Disk is the file system of a folder, bytes.
type Disk struct {
	Path  string `json:"path"`
	Total uint64 `json:"total_bytes"`
	Free  uint64 `json:"free_bytes"` // for those who are not root
}

// Disk returns the file system of a folder.
func (r Reader) Disk(path string) (Disk, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(path, &fs); err != nil {
		return Disk{}, fmt.Errorf("host: file system of %s: %w", path, err)
	}
	size := uint64(fs.Bsize)
	return Disk{Path: path, Total: fs.Blocks * size, Free: fs.Bavail * size}, nil
}
