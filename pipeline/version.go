package pipeline

import "fmt"

// A rolling upgrade, and one that is taken back, has packs of several builds in one stream. Two rules keep every signal's verdict its
// own meanwhile:
//   - a build reads the envelopes of its own version and of the one before (there is none before 2 that anybody ran). Where the
//     block of the older one differs, decode must leave parcel.block nil, so that the layer above is not handed it under a new number;
//   - a pack of a later version waits for whoever can read it. So the framing of a pack, and that an envelope begins with its
//     version, stay as they are for good: this build must be able to tell such a pack from rubbish, which becomes a dead letter.

// VersionError says that a message is whole and that a later build wrote it.
type VersionError struct {
	Stream  string
	Seq     uint64
	Version byte
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("pipeline: message %d of %s was written by a later version of HAL9 (format %d, this build reads up to %d): it waits until this process is upgraded, too",
		e.Seq, e.Stream, e.Version, codecVersion)
}

// checkVersion returns a *VersionError where a later build wrote a pack. None of the pack has been read.
func checkVersion(d *Delivery, pack Pack) error {
	version := byte(0)
	for envelope, _, ok := pack.Next(); ok; envelope, _, ok = pack.Next() {
		if len(envelope) < 2 || envelope[0] <= codecVersion || version > 0 && envelope[0] != version {
			return nil
		}
		version = envelope[0]
	}
	if version == 0 || pack.Err() != nil {
		return nil //nolint:nilerr // Rubbish has no version; it is read to its end and dies of what is wrong with it.
	}
	return &VersionError{Stream: d.Stream, Seq: d.Seq, Version: version}
}
