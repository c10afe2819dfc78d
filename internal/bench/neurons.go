package bench

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
)

// The size of a bank of neurons: a weight, a float32, for each feature of each.
const (
	neurons     = 1_000
	bankBytes   = neurons * implementation.Features * 4
	neuronLooks = 20_000 // of a round
)

// bandwidthBytes is how much memory the yardstick reads: far more than any cache holds.
const bandwidthBytes = 256 << 20

// measureNeurons has a full bank look at a signal with a feature in each dimension, and, for the note, at an ordinary log line. The
// yardstick is how long it takes to read as many weights from memory.
func measureNeurons(ctx context.Context, s *session, row *Row) error {
	bank, dense, line := fullBank(outOfReach)
	firing, _, _ := fullBank(inReach)
	var took, lineTook, firingTook, memory []float64
	for range s.cfg.Rounds {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		took = append(took, askBank(bank, dense, s.scale(neuronLooks)))
		lineTook = append(lineTook, askBank(bank, line, s.scale(neuronLooks)))
		firingTook = append(firingTook, askBank(firing, dense, s.scale(neuronLooks/10)))
		s.say("  %s, round %d of %d: %.4f ms", row.ID, len(took), s.cfg.Rounds, took[len(took)-1])
		if !s.cfg.Alone {
			memory = append(memory, s.readMemory()*bankBytes/float64(time.Millisecond))
		}
	}
	row.Value, row.Rounds = new(median(took)), s.cfg.Rounds
	row.addNote("%d neurons, each with a weight in each of %d dimensions, none of which fires; where all of them fire %.4f ms, on an ordinary log line %.4f ms",
		neurons, implementation.Features, median(firingTook), median(lineTook))
	if !s.cfg.Alone {
		row.Yardstick = new(median(memory))
		row.addNote("the yardstick is how long one core takes to read the %d KiB of weights from memory (%.1f GB/s)", bankBytes>>10, bankBytes/1e6/median(memory))
	}
	row.compare()
	row.Must, row.Goal = new(*row.Value < 10), new(*row.Value < .05)
	return nil
}

// Thresholds of a full bank.
const (
	inReach    = 1
	outOfReach = 10 * implementation.Features
)

// fullBank returns a bank without a gap, the vector of a signal that has a feature in each dimension, and that of a log line.
func fullBank(threshold float64) (bank *implementation.Bank, dense, line *implementation.Vector) {
	words := make([]string, implementation.Features)
	for i, left := 0, len(words); left > 0; i++ {
		word := fmt.Sprintf("w%d", i)
		if d := implementation.Dimension(word); words[d] == "" {
			words[d] = word
			left--
		}
	}
	weights := map[string]float64{}
	for i, word := range words {
		weights[word] = 1 + float64(i)/float64(len(words))
	}
	list := make([]implementation.Neuron, neurons)
	for i := range list {
		list[i] = implementation.Neuron{Name: fmt.Sprintf("n%d", i), Weights: weights, Threshold: threshold}
	}
	dense, line = &implementation.Vector{}, &implementation.Vector{}
	dense.Read(&layers.Envelope{Signal: layers.Signal{Text: strings.Join(words, " ")}})
	line.Read(&layers.Envelope{Signal: layers.Signal{
		Source: "web", Severity: layers.SeverityInfo, Text: "request 4711 of user alice served in 35 ms by worker of pool default with status ok",
	}})
	return implementation.NewBank(list), dense, line
}

// askBank returns how long one look takes, milliseconds.
func askBank(bank *implementation.Bank, v *implementation.Vector, looks int) float64 {
	began := time.Now()
	for range looks {
		bank.Fire(v)
	}
	return float64(time.Since(began)) / float64(looks) / float64(time.Millisecond)
}

// readMemory returns how long a byte takes to be read from memory, nanoseconds.
func (s *session) readMemory() float64 {
	words := make([]uint64, s.scale(bandwidthBytes)/8)
	for i := range words {
		words[i] = uint64(i)
	}
	began := time.Now()
	if readAll(words) == 0 {
		return math.NaN() // It cannot be; the sum is used, so that it is not left out.
	}
	return float64(time.Since(began)) / float64(8*len(words))
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
