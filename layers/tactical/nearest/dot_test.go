package nearest

import (
	"math"
	"math/rand/v2"
	"testing"
)

// FuzzDot compares with the portable code, bit by bit.
func FuzzDot(f *testing.F) {
	f.Add(uint64(1), uint32(0), uint32(0))
	f.Add(uint64(2), math.Float32bits(float32(math.Inf(1))), uint32(1))
	f.Add(uint64(3), uint32(0x7fffff), math.Float32bits(math.MaxFloat32))
	f.Fuzz(func(t *testing.T, seed uint64, one, other uint32) {
		random := rand.New(rand.NewPCG(seed, 7))
		a, b := noise(random, Vector{}, 1), noise(random, Vector{}, 1)
		a[seed%Dimensions], b[seed/Dimensions%Dimensions] = math.Float32frombits(one), math.Float32frombits(other)
		got, want := Dot(&a, &b), dot(&a, &b)
		if math.Float32bits(got) != math.Float32bits(want) && (got == got || want == want) {
			t.Errorf("Dot is %v, want %v", got, want)
		}
		var c, d code
		for i := range c {
			c[i], d[i] = int8(random.IntN(2*finest+1)-finest), int8(random.IntN(2*finest+1)-finest)
		}
		if q := c.widen(); dotCode(&q, &d) != q.dot(&d) {
			t.Errorf("dotCode is %d, want %d", dotCode(&q, &d), q.dot(&d))
		}
	})
}

// TestLargestCodes are as large as a product can become.
func TestLargestCodes(t *testing.T) {
	var c, d code
	for i := range c {
		c[i], d[i] = finest, -finest
	}
	for _, pair := range [][2]*code{{&c, &c}, {&c, &d}, {&d, &d}} {
		q, want := pair[0].widen(), int32(0)
		for i := range pair[0] {
			want += int32(pair[0][i]) * int32(pair[1][i])
		}
		if got := dotCode(&q, pair[1]); got != want || q.dot(pair[1]) != want {
			t.Errorf("dotCode is %d and dot %d, want %d", got, q.dot(pair[1]), want)
		}
	}
}

func TestEncode(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 8))
	for range 100 {
		v := noise(random, Vector{}, 1)
		v.Normalise()
		c, step := v.encode()
		for i, x := range v {
			if math.Abs(float64(x-float32(c[i])*step)) > float64(step)*.5001 {
				t.Fatalf("%v is %d in steps of %v", x, c[i], step)
			}
		}
	}
	for _, v := range []Vector{{}, {float32(math.NaN())}, {float32(math.Inf(-1))}} {
		if c, step := v.encode(); c != (code{}) || step != 0 {
			t.Errorf("a vector of %v has the code %v", v[0], c)
		}
	}
}

func BenchmarkDotCode(b *testing.B) {
	all := words(2)
	c, _ := all[0].encode()
	d, _ := all[1].encode()
	q := c.widen()
	for b.Loop() {
		dotCode(&q, &d)
	}
}

func BenchmarkDotPortable(b *testing.B) {
	all := words(2)
	for b.Loop() {
		dot(&all[0], &all[1])
	}
}
