package emergency

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

// ErrNone says that there is nothing to restore.
var ErrNone = errors.New("emergency: no emergency is under way: the objects carry no annotation, and no record on this machine is of what they show")

// FindWay finds the way back: on the objects themselves, and of layers that lost it there in the file that is named, or in
// the usual place.
func FindWay(ctx context.Context, c kube.Client, place *kube.Place, o RestoreOptions) (*Way, error) {
	path := o.File
	if path == "" {
		path = UsualPath(place)
	}
	file, err := ReadRecord(path)
	switch {
	case err != nil && o.File != "":
		return nil, err
	case err == nil && o.File != "" && file.elsewhere(place):
		return nil, fmt.Errorf("emergency: %s is the way back of cluster %s, namespace %s; kubectl speaks to %s, namespace %s: choose with --context and --namespace",
			path, file.Place.Server, file.Place.Namespace, place.Server, place.Namespace)
	case err != nil, o.File == "" && (file.RestoredAt != nil || file.elsewhere(place)):
		file, path = nil, "" // Of the past, or of a cluster that had this name.
	}
	cluster, failed := Read(ctx, c)
	if failed != nil {
		return nil, failed
	}
	record, filed := underWay(cluster, place, file)
	if o.File != "" {
		record.only(file)
	}
	if len(record.Layers) > 0 {
		return newWay(cluster, record, path, filed, o), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // It may have been the only one.
		return nil, err
	}
	return nil, ErrNone
}

// Active reads the emergencies that are under way off the objects themselves.
func Active(cluster *Cluster, place *kube.Place) *Record {
	r := &Record{Version: 1, Place: *place}
	for _, layer := range layers.Names() {
		s := cluster.Standing(layer)
		if record, ok := s.Record(); ok {
			r.put(&record)
		}
	}
	return r
}

// underWay returns the emergencies that are under way, with the layers that only the file knows. What stands on the
// objects is newer than any file, which somebody may have restored elsewhere, or without hal9: of a file only layers
// count that the cluster still shows.
func underWay(cluster *Cluster, place *kube.Place, file *Record) (r *Record, filed []string) {
	r = Active(cluster, place)
	if file == nil {
		return r, nil
	}
	for i := range file.Layers {
		l := &file.Layers[i]
		if r.layer(l.Layer) == nil && cluster.shows(l) {
			r.put(l)
			filed = append(filed, l.Layer)
		}
	}
	return r, filed
}

// shows reports whether a layer still is as its record says: an object carries the annotation, or a field that nothing
// else moves is as the emergency left it.
func (c *Cluster) shows(l *LayerRecord) bool {
	for i := range l.Changes {
		change := &l.Changes[i]
		object := c.object(change)
		if object == nil {
			continue
		}
		if change.Marked && object.Metadata.Annotations[AnnotationRecord] != "" {
			return true
		}
		for _, f := range change.Fields {
			if !movable(l, change) && f.After != f.Before && value(object.Raw, f.Path) == f.After {
				return true
			}
		}
	}
	return false
}
