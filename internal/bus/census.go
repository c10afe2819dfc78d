package bus

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// Census is who takes part, as the bucket of leases says. A process counts as alive until LeaseTime after it was
// heard of last.
type Census struct {
	Members []Member          `json:"members"`
	Owners  map[string]string `json:"owners"` // by stage, such as L3.07: the process that owns it
}

// Member is a process that takes part.
type Member struct {
	Owner  string   `json:"owner"`  // host/pid/token, as the process names itself
	Layers []string `json:"layers"` // those that it runs
}

// Census reads who takes part.
func (b *Bus) Census(ctx context.Context) (Census, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	watch, err := b.watchLeases(ctx, []string{">"})
	if err != nil {
		return Census{}, err
	}
	defer watch.close(ctx)
	view := newLeaseView()
	for !watch.current {
		select {
		case msg := <-watch.incoming:
			entry, ok, err := watch.entry(msg)
			if err != nil {
				return Census{}, err
			}
			if ok {
				view.apply(entry, 0)
			}
		case <-watch.broken:
			return Census{}, ErrDisconnected
		case <-ctx.Done():
			return Census{}, context.Cause(ctx)
		}
	}
	return view.census(), nil
}

func (v *leaseView) census() Census {
	census := Census{Owners: map[string]string{}}
	for _, m := range v.members {
		census.Members = append(census.Members, Member{m.owner, slices.Sorted(maps.Keys(m.layers))})
	}
	slices.SortFunc(census.Members, func(a, b Member) int { return cmp.Compare(a.Owner, b.Owner) })
	for stage, lease := range v.leases {
		if _, alive := v.members[lease.session]; alive {
			census.Owners[stage] = lease.owner
		}
	}
	return census
}
