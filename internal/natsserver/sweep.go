package natsserver

import (
	"fmt"
	"os"
	"path/filepath"
)

// sweep removes what a server left that was killed while it made a stream or a consumer: a folder
// without its description in which nothing was ever stored. The server would complain about
// it as about a damaged one.
func sweep(dataDir string) error {
	streams := filepath.Join(dataDir, "jetstream", "*", "streams", "*")
	if err := sweepFolders(streams, filepath.Join("msgs", "*.blk")); err != nil {
		return err
	}
	return sweepFolders(filepath.Join(streams, "obs", "*"), "o.dat")
}

func sweepFolders(pattern, content string) error {
	folders, err := filepath.Glob(pattern)
	if err != nil {
		return fmt.Errorf("natsserver: %w", err)
	}
	for _, folder := range folders {
		if described(folder) || holds(folder, content) {
			continue
		}
		if err := os.RemoveAll(folder); err != nil {
			return fmt.Errorf("natsserver: remove what a killed server left unfinished: %w", err)
		}
	}
	return nil
}

// described reports whether the description of a stream or consumer is there as a whole.
func described(folder string) bool {
	for _, name := range []string{"meta.inf", "meta.sum"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Size() == 0 {
			return false
		}
	}
	return true
}

// holds reports whether anything was stored under the folder.
func holds(folder, content string) bool {
	files, _ := filepath.Glob(filepath.Join(folder, content))
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Size() > 0 {
			return true
		}
	}
	return false
}
