package emergency

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

// Draft is an emergency before its first change.
type Draft struct {
	Place    kube.Place
	Rights   []kube.Right
	KEDA     bool
	Plans    []LayerPlan
	Warnings []string
	Record   *Record // what is written down before the first change
	Path     string  // where
}

// Idle reports whether there is nothing to do for any layer.
func (d *Draft) Idle() bool {
	return !slices.ContainsFunc(d.Plans, func(p LayerPlan) bool { return p.Idle == "" })
}

// Prepare looks at the cluster and says what would be done; it changes nothing. path is where the way back is kept, ""
// for the usual place.
func Prepare(ctx context.Context, c kube.Client, o Options, path string) (*Draft, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	d := &Draft{Path: path}
	cluster, err := d.look(ctx, c)
	if err != nil {
		return nil, err
	}
	if d.Path == "" {
		d.Path = UsualPath(&d.Place)
	}
	known, err := d.known()
	if err != nil {
		return nil, err
	}
	d.Record, _ = underWay(cluster, &d.Place, known)
	d.Record.only(known)
	now := time.Now()
	for _, layer := range o.Layers {
		plan := Plan(cluster.Standing(layer), o, d.Record.layer(layer.String()), now)
		if plan.Idle == "" {
			d.Record.put(&plan.Record)
		}
		d.Plans = append(d.Plans, plan)
	}
	d.Warnings = append(d.Warnings, capacity(ctx, c, d.Plans)...)
	return d, nil
}

// look asks where kubectl speaks to, what there is and what the user may do.
func (d *Draft) look(ctx context.Context, c kube.Client) (cluster *Cluster, err error) {
	if d.Place, err = c.Place(ctx); err != nil {
		return nil, err
	}
	var wait sync.WaitGroup
	var errs [2]error
	wait.Go(func() { cluster, errs[0] = Read(ctx, c) })
	wait.Go(func() { d.Rights, errs[1] = c.MayI(ctx, Rights()) })
	wait.Wait()
	if cluster != nil {
		d.KEDA = cluster.KEDA
	}
	if errs[1] != nil { // What the user may not do, the changes will tell.
		d.Rights = nil
		d.Warnings = append(d.Warnings, "whether all that is needed is allowed could not be asked: "+errs[1].Error())
		return cluster, errs[0]
	}
	// It says more than that something could not be read.
	if err := d.mayI(cluster == nil || cluster.KEDA); err != nil {
		return nil, err
	}
	return cluster, errs[0]
}

// mayI says which rights are lacking.
func (d *Draft) mayI(keda bool) error {
	if !keda {
		d.Rights = slices.DeleteFunc(d.Rights, func(r kube.Right) bool { return r.Group == "keda.sh" })
	}
	var lacking []string
	for _, r := range d.Rights {
		if !r.May {
			lacking = append(lacking, strings.TrimSuffix(r.Verb+" "+r.Resource+"."+r.Group, "."))
		}
	}
	if len(lacking) > 0 {
		return &RightsError{User: d.Place.User, Namespace: d.Place.Namespace, Lacking: lacking}
	}
	return nil
}

// RightsError says what the user may not do.
type RightsError struct {
	User, Namespace string
	Lacking         []string
}

func (e *RightsError) Error() string {
	return fmt.Sprintf("emergency: user %s may not, in namespace %s: %s: use a context that may (--context), or have somebody run it who may",
		e.User, e.Namespace, strings.Join(e.Lacking, ", "))
}

// known reads the record that is kept in the file, nil where there is none that is not restored.
func (d *Draft) known() (*Record, error) {
	known, err := ReadRecord(d.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // There is none, and that is no failure.
	}
	if err != nil {
		return nil, fmt.Errorf("%w: name another file with --record, or move this one", err)
	}
	if known.RestoredAt != nil {
		return nil, nil //nolint:nilnil // It is of the past.
	}
	if known.elsewhere(&d.Place) {
		return nil, fmt.Errorf("emergency: %s is the way back of another cluster, %s, that is not restored: name another file with --record", d.Path, known.Place.Server)
	}
	return known, nil
}

// ParseLayers reads what --layer says: L3, l3,L4, all.
func ParseLayers(words []string) ([]layers.Name, error) {
	var list []layers.Name
	for _, word := range words {
		if strings.EqualFold(word, "all") {
			return layers.Names(), nil
		}
		layer, err := layers.ParseName(strings.ToUpper(word))
		if err != nil {
			return nil, fmt.Errorf("emergency: --layer: %q is no layer: want L1, L2, L3, L4, L5 or all", word)
		}
		if !slices.Contains(list, layer) {
			list = append(list, layer)
		}
	}
	return list, nil
}
