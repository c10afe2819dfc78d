package emergency

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/kube"
)

// Record is the way back: what was before the first change, of every field.
type Record struct {
	Version    int           `json:"version"` // 1
	Place      kube.Place    `json:"place"`
	Layers     []LayerRecord `json:"layers"`
	RestoredAt *time.Time    `json:"restored_at,omitempty"`
}

// layer returns the record of a layer, nil where there is none.
func (r *Record) layer(name string) *LayerRecord {
	if r == nil {
		return nil
	}
	for i := range r.Layers {
		if r.Layers[i].Layer == name {
			return &r.Layers[i]
		}
	}
	return nil
}

// elsewhere reports whether a record is of another cluster or namespace. Within a pod kubectl knows no address of its
// cluster: then only the objects themselves can tell.
func (r *Record) elsewhere(place *kube.Place) bool {
	known := r.Place.Server != "" && place.Server != ""
	return known && r.Place.Server != place.Server || r.Place.Namespace != place.Namespace
}

// only keeps the layers of which another record tells, too; nil tells of none.
func (r *Record) only(other *Record) {
	r.Layers = slices.DeleteFunc(r.Layers, func(l LayerRecord) bool { return other.layer(l.Layer) == nil })
}

// put replaces the record of a layer.
func (r *Record) put(layer *LayerRecord) {
	r.Layers = slices.DeleteFunc(r.Layers, func(l LayerRecord) bool { return l.Layer == layer.Layer })
	r.Layers = append(r.Layers, *layer)
	slices.SortFunc(r.Layers, func(a, b LayerRecord) int { return strings.Compare(a.Layer, b.Layer) })
}

// recordMost bounds what is read of a record, bytes.
const recordMost = 4 << 20

// ReadRecord reads a record; the error is fs.ErrNotExist where there is none.
func ReadRecord(path string) (*Record, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("emergency: the way back: %w", err)
	}
	if info.Size() > recordMost || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("emergency: %s is no record of hal9 emergency scale", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("emergency: the way back: %w", err)
	}
	return ParseRecord(path, data)
}

// ParseRecord reads what ReadRecord found.
func ParseRecord(path string, data []byte) (*Record, error) {
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("emergency: %s is no record of hal9 emergency scale: %w", path, err)
	}
	if r.Version != 1 {
		return nil, fmt.Errorf("emergency: %s has version %d: this hal9 knows version 1", path, r.Version)
	}
	var problems []error
	for i := range r.Layers {
		problems = append(problems, r.Layers[i].check())
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("emergency: %s: %w", path, err)
	}
	return &r, nil
}

func (l *LayerRecord) check() error {
	var problems []error
	for i := range l.Changes {
		problems = append(problems, l.Changes[i].check())
	}
	return errors.Join(problems...)
}

// check lets nothing be written back that an emergency never changes: files can be edited.
func (c *Change) check() error {
	if c.Kind != KindScaledObject && c.Kind != KindHPA && c.Kind != KindDeployment {
		return fmt.Errorf("kind %q is none that an emergency changes", c.Kind)
	}
	for _, f := range c.Fields {
		known := len(f.Path) == 2 && f.Path[0] == "spec" &&
			slices.Contains([]string{"replicas", "minReplicas", "maxReplicas", "minReplicaCount", "maxReplicaCount"}, f.Path[1])
		known = known || len(f.Path) == 3 && f.Path[0] == "metadata" && f.Path[1] == "annotations" && strings.HasPrefix(f.Path[2], pausedAll)
		if !known || !json.Valid([]byte(f.Before)) || !json.Valid([]byte(f.After)) {
			return fmt.Errorf("field %q of %s is none that an emergency changes", strings.Join(f.Path, "."), c.Name)
		}
	}
	return nil
}

// Write writes the record to a file, and beside it the same as a shell script. Both are on the disk when it returns.
func (r *Record) Write(path string, c kube.Client) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("emergency: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("emergency: the way back: %w", err)
	}
	if err := store(path, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return store(ScriptPath(path), []byte(Script(r, c)), 0o700)
}

// ScriptPath returns where the script beside a record stands.
func ScriptPath(path string) string { return strings.TrimSuffix(path, ".json") + ".sh" }

// store replaces a file as a whole.
func store(path string, data []byte, mode fs.FileMode) (err error) {
	part := path + ".part"
	file, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return fmt.Errorf("emergency: the way back: %w", err)
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return fmt.Errorf("emergency: the way back: %w", err)
	}
	return nil
}

// UsualPath returns where the record of a namespace of a cluster stands unless another file is named:
// $XDG_STATE_HOME/hal9, usually ~/.local/state/hal9.
func UsualPath(place *kube.Place) string {
	dir := os.Getenv("XDG_STATE_HOME")
	if home, err := os.UserHomeDir(); !filepath.IsAbs(dir) && err == nil {
		dir = filepath.Join(home, ".local", "state")
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, place.Context+"-"+place.Namespace)
	return filepath.Join(dir, "hal9", "emergency-"+name+".json")
}
