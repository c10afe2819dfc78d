package operational

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

var errTruncated = errors.New("it ends too early or holds impossible numbers")

// codec writes values to a buffer, or reads them back from it in the same order: one function
// per type describes its layout for both directions. The first error stays; what is read after
// it is zero.
type codec struct {
	reading bool
	layout  byte   // that is written or read
	buf     []byte // written so far, or left to read
	err     error
}

func (c *codec) fail() {
	if c.err == nil {
		c.err = errTruncated
	}
	c.buf = nil
}

func (c *codec) uint(v *uint64) {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, *v)
		return
	}
	got, n := binary.Uvarint(c.buf)
	if n <= 0 {
		c.fail()
		return
	}
	*v, c.buf = got, c.buf[n:]
}

func (c *codec) int(v *int64) {
	folded := uint64(*v)<<1 ^ uint64(*v>>63) // zigzag, so that small negatives stay short
	c.uint(&folded)
	*v = int64(folded>>1) ^ -int64(folded&1)
}

func (c *codec) float(v *float64) {
	if !c.reading {
		c.buf = binary.LittleEndian.AppendUint64(c.buf, math.Float64bits(*v))
		return
	}
	if len(c.buf) < 8 {
		c.fail()
		return
	}
	*v, c.buf = math.Float64frombits(binary.LittleEndian.Uint64(c.buf)), c.buf[8:]
	if math.IsNaN(*v) || math.IsInf(*v, 0) {
		c.fail()
	}
}

// float32 is for what is kept in single precision; not a number is refused.
func (c *codec) float32(v *float32) {
	if !c.reading {
		c.buf = binary.LittleEndian.AppendUint32(c.buf, math.Float32bits(*v))
		return
	}
	if len(c.buf) < 4 {
		c.fail()
		return
	}
	*v, c.buf = math.Float32frombits(binary.LittleEndian.Uint32(c.buf)), c.buf[4:]
	if wide := float64(*v); math.IsNaN(wide) || math.IsInf(wide, 0) {
		c.fail()
	}
}

func (c *codec) bool(v *bool) {
	var flag uint64
	if *v {
		flag = 1
	}
	c.uint(&flag)
	*v = flag == 1
}

func (c *codec) text(v *string) {
	n := c.count(len(*v), 1)
	if !c.reading {
		c.buf = append(c.buf, *v...)
		return
	}
	*v, c.buf = string(c.buf[:n]), c.buf[n:]
}

// time keeps seconds and nanoseconds apart: not every time fits into nanoseconds.
func (c *codec) time(v *time.Time) {
	seconds, nanos := v.Unix(), int64(v.Nanosecond())
	c.int(&seconds)
	c.int(&nanos)
	if c.reading {
		*v = time.Unix(seconds, nanos).UTC()
	}
}

// count writes or reads the number of elements that follow, each of at least size bytes.
func (c *codec) count(n, size int) int {
	v := uint64(n)
	c.uint(&v)
	if !c.reading {
		return n
	}
	if c.err != nil || v > uint64(len(c.buf)/size) {
		c.fail()
		return 0
	}
	return int(v)
}

// list describes a slice, element by element; size is the fewest bytes of one.
func list[T any](c *codec, items *[]T, size int, each func(*T)) {
	n := c.count(len(*items), size)
	if c.reading {
		*items = nil
		if n > 0 {
			*items = make([]T, n)
		}
	}
	for i := range *items {
		each(&(*items)[i])
	}
}
