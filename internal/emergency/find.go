package emergency

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/2lab-ai/hal9/internal/kube"
)

// ErrNone says that there is nothing to restore.
var ErrNone = errors.New("emergency: no emergency is under way: there is no record on this machine and no annotation on the objects")

// FindWay finds the way back: in the file that is named, in the usual place, or on the objects themselves.
func FindWay(ctx context.Context, c kube.Client, place *kube.Place, file string) (*Way, error) {
	path := file
	if path == "" {
		path = UsualPath(place)
	}
	record, err := ReadRecord(path)
	switch {
	case err == nil && file == "" && (record.RestoredAt != nil || record.Place.Server != place.Server):
		record, path = nil, "" // Of the past, or of a cluster that had this name.
	case err == nil && (record.Place.Server != place.Server || record.Place.Namespace != place.Namespace):
		return nil, fmt.Errorf("emergency: %s is the way back of cluster %s, namespace %s; kubectl speaks to %s, namespace %s: choose with --context and --namespace",
			path, record.Place.Server, record.Place.Namespace, place.Server, place.Namespace)
	case file == "" && errors.Is(err, fs.ErrNotExist):
		record, path = nil, ""
	case err != nil:
		return nil, err
	}
	if record == nil {
		cluster, err := Read(ctx, c)
		if err != nil {
			return nil, err
		}
		if record = Active(cluster, place); len(record.Layers) == 0 {
			return nil, ErrNone
		}
	}
	way, err := Ways(ctx, c, record)
	if err != nil {
		return nil, err
	}
	way.Path = path
	return way, nil
}
