package emergency

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
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
	var err error
	if d.Place, err = c.Place(ctx); err != nil {
		return nil, err
	}
	cluster, err := Read(ctx, c)
	if err != nil {
		return nil, err
	}
	d.KEDA = cluster.KEDA
	if err := d.mayI(ctx, c); err != nil {
		return nil, err
	}
	if d.Path == "" {
		d.Path = UsualPath(&d.Place)
	}
	known, err := d.known()
	if err != nil {
		return nil, err
	}
	d.Record = &Record{Version: 1, Place: d.Place}
	if known != nil && known.RestoredAt == nil {
		d.Record.Layers = slices.Clone(known.Layers)
	}
	now := time.Now()
	for _, layer := range o.Layers {
		plan := Plan(cluster.Standing(layer), o, known.layer(layer.String()), now)
		if plan.Idle == "" {
			d.Record.put(&plan.Record)
		}
		d.Plans = append(d.Plans, plan)
	}
	d.Warnings = capacity(ctx, c, d.Plans)
	return d, nil
}

// mayI asks for the rights that are needed.
func (d *Draft) mayI(ctx context.Context, c kube.Client) (err error) {
	rights := Rights()
	if !d.KEDA {
		rights = slices.DeleteFunc(rights, func(r kube.Right) bool { return strings.HasPrefix(r.Resource, "scaledobjects") })
	}
	if d.Rights, err = c.MayI(ctx, rights); err != nil {
		return err
	}
	var lacking []string
	for _, r := range d.Rights {
		if !r.May {
			lacking = append(lacking, r.Verb+" "+r.Resource)
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

// known reads the record of an emergency that is under way.
func (d *Draft) known() (*Record, error) {
	known, err := ReadRecord(d.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // There is none, and that is no failure.
	}
	if err != nil {
		return nil, fmt.Errorf("%w: name another file with --record, or move this one", err)
	}
	if known.RestoredAt == nil && (known.Place.Server != d.Place.Server || known.Place.Namespace != d.Place.Namespace) {
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
