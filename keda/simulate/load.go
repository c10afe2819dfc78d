package simulate

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Load is how many signals come in, for each second.
type Load []float64

// MaxSeconds bounds how long a load may be: a week.
const MaxSeconds = 7 * 24 * 3600

// Shape names a load that is computed.
type Shape string

// The shapes.
const (
	ShapeStep  Shape = "step"  // from one rate to another, and it stays
	ShapeSpike Shape = "spike" // there and back, for a tenth of the time
	ShapeDaily Shape = "daily" // a wave with its peak in the middle, one per length
	ShapeRamp  Shape = "ramp"  // evenly from one to the other
)

// Shapes lists them all.
func Shapes() []Shape { return []Shape{ShapeStep, ShapeSpike, ShapeDaily, ShapeRamp} }

// Form says what a computed load is like.
type Form struct {
	Shape    Shape
	From, To float64 // signals/s
	Length   time.Duration
	Noise    float64 // by which share seconds differ, at most; the same each time
}

// DefaultForm returns an hour from 1,000 to 10,000,000 signals/s.
func DefaultForm() Form {
	return Form{Shape: ShapeStep, From: 1000, To: 10_000_000, Length: time.Hour}
}

// Load computes it.
func (f Form) Load() (Load, error) {
	n := int(f.Length.Seconds())
	if n < 60 || n > MaxSeconds {
		return nil, fmt.Errorf("simulate: a load of %s: want 1m to 168h", f.Length)
	}
	if !(f.From >= 0 && f.From <= 1e12 && f.To >= 0 && f.To <= 1e12) {
		return nil, errors.New("simulate: want 0 to 1e12 signals/s")
	}
	if !(f.Noise >= 0 && f.Noise <= 1) {
		return nil, fmt.Errorf("simulate: noise of %g: want a share of 0 to 1", f.Noise)
	}
	var at func(x float64) float64 // x from 0 to 1; how much of To
	switch f.Shape {
	case ShapeStep:
		at = func(x float64) float64 { return step(x >= 0.1) }
	case ShapeSpike:
		at = func(x float64) float64 { return step(x >= 0.1 && x < 0.2) }
	case ShapeDaily:
		at = func(x float64) float64 { return (1 - math.Cos(2*math.Pi*x)) / 2 }
	case ShapeRamp:
		at = func(x float64) float64 { return x }
	default:
		return nil, fmt.Errorf("simulate: no such shape as %q: want step, spike, daily or ramp", f.Shape)
	}
	load := make(Load, n)
	for i := range load {
		rate := f.From + (f.To-f.From)*at(float64(i)/float64(n))
		// Two waves that do not fit each other: noise without chance.
		wave := (math.Sin(float64(i)*1.7) + math.Sin(float64(i)*0.31)) / 2
		load[i] = max(0, rate*(1+f.Noise*wave))
	}
	return load, nil
}

func step(up bool) float64 {
	if up {
		return 1
	}
	return 0
}

// Peak returns the highest rate that lasts for a minute, signals/s.
func (l Load) Peak() (peak float64) {
	const window = 60
	sum := 0.0
	for i, rate := range l {
		sum += rate
		if i >= window {
			sum -= l[i-window]
		}
		peak = max(peak, sum/float64(min(i+1, window)))
	}
	return peak
}
