package layers

import "iter"

// Item is a part of a layer's state that is stored by itself.
type Item struct {
	Name string // letters and digits; what is stored later under the same name takes its place
	Data []byte
}

// Archiver is a Keeper whose state is too large to be written whole every few seconds. What changes is stored item by item,
// with the results of the same signals, and a snapshot need hold only what no item tells.
//
// After a crash the stored items may be ahead of the snapshot, since they were stored with results that are decided again. Restore
// and Recover must lead to the state of the snapshot all the same, so an item that is ahead must tell what it was at the snapshot
// before. Snapshot is that point: the pipeline counts on nothing that was not stored before the next one.
type Archiver interface {
	Keeper
	// Changed returns the items that changed since the last call. They are stored before the next Snapshot, or
	// the instance is given up.
	Changed() []Item
	// Recover completes Restore with all items that are stored. On an error the instance is given up.
	Recover(stored iter.Seq[Item]) error
}
