// Package score reads the labelled data that HAL9 is scored on, the Numenta Anomaly Benchmark and the Loghub samples, and
// computes the published scores of what HAL9 said about it. It knows nothing of HAL9: a detector that it scores is handed times, values
// and lines, and never a name, a label or a window.
package score

import (
	"fmt"
	"os"
	"path/filepath"
)

// Folder returns where the data of a name lies, nab or loghub: in HAL9_DATA, or in shared/data beside the project, whose root is
// given.
func Folder(root, name string) (string, error) {
	data := os.Getenv("HAL9_DATA")
	if data == "" {
		data = filepath.Join(root, "..", "shared", "data")
	}
	folder := filepath.Join(data, name)
	if _, err := os.Stat(folder); err != nil {
		return "", fmt.Errorf("score: no data: set HAL9_DATA to the folder that holds %s: %w", name, err)
	}
	return folder, nil
}
