// Package score reads the labelled data that HAL9 is scored on, the Numenta Anomaly Benchmark and the Loghub samples, and
// computes the published scores of what HAL9 said about it. It knows nothing of HAL9: a detector that it scores is handed times, values
// and lines, and never a name, a label or a window.
package score

import (
	"fmt"
	"os"
	"path/filepath"
)

// Folder returns where the data lies: in HAL9_DATA, or beside the project, whose root is given.
func Folder(root string) (string, error) {
	folder := os.Getenv("HAL9_DATA")
	if folder == "" {
		folder = filepath.Join(root, "..", "shared", "data")
	}
	for _, part := range []string{"nab", "loghub"} {
		if _, err := os.Stat(filepath.Join(folder, part)); err != nil {
			return "", fmt.Errorf("score: no data: set HAL9_DATA to the folder that holds nab and loghub: %w", err)
		}
	}
	return folder, nil
}
