package bench

import (
	"context"
	"time"
)

// The size of a bank of neurons: a weight for each feature of each.
const (
	neurons        = 1_000
	neuronFeatures = 128
	weightBytes    = 4
)

// bandwidthBytes is how much memory the yardstick reads: far more than any cache holds.
const bandwidthBytes = 256 << 20

// measureNeurons shows the yardstick only: how long it takes to read as many weights from memory. L2 has no
// bank of neurons yet.
func measureNeurons(ctx context.Context, s *session, row *Row) error {
	row.addNote("L2 has no bank of neurons yet")
	if s.cfg.Alone {
		return nil
	}
	words := make([]uint64, s.scale(bandwidthBytes)/8)
	for i := range words {
		words[i] = uint64(i)
	}
	const bankBytes = neurons * neuronFeatures * weightBytes
	var took []float64
	var sum uint64
	for range s.cfg.Rounds {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		began := time.Now()
		sum += readAll(words)
		perByte := float64(time.Since(began)) / float64(8*len(words))
		took = append(took, perByte*bankBytes/float64(time.Millisecond))
		s.say("  %s, round %d of %d: memory gives %.1f GB/s", row.ID, len(took), s.cfg.Rounds, 1/perByte)
	}
	if sum == 0 {
		row.addNote("the memory read as zeros")
	}
	row.Yardstick, row.Rounds = new(median(took)), s.cfg.Rounds
	row.addNote("the yardstick is how long one core takes to read the %d KiB of weights from memory (%.1f GB/s)",
		bankBytes>>10, bankBytes/1e6/median(took))
	return nil
}

// readAll reads the words in four independent sums, so that memory and not the addition is the limit.
func readAll(words []uint64) uint64 {
	var a, b, c, d uint64
	for ; len(words) >= 8; words = words[8:] {
		a += words[0] + words[4]
		b += words[1] + words[5]
		c += words[2] + words[6]
		d += words[3] + words[7]
	}
	for _, word := range words {
		a += word
	}
	return a + b + c + d
}
