package doctor

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// number writes a count with thousands apart.
func number[T ~int | ~uint64 | ~int64](n T) string {
	text := strconv.FormatInt(int64(n), 10)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// plural writes a number with its noun.
func plural[T ~int | ~uint64](n T, noun string) string {
	if first, rest, ok := strings.Cut(noun, " or "); ok && n != 1 { // "streams or consumers"
		return plural(n, first) + " or " + strings.TrimPrefix(plural(n, rest), number(n)+" ")
	}
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "s"):
		noun += "es"
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return number(n) + " " + noun
}

// age writes a duration in at most two units.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + age(-d)
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(math.Round(d.Seconds()*10)/10, 'f', -1, 64) + "s"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	case d < time.Hour:
		return two(d, time.Minute, "m", time.Second, "s")
	case d < 48*time.Hour:
		return two(d, time.Hour, "h", time.Minute, "m")
	default:
		return two(d, 24*time.Hour, "d", time.Hour, "h")
	}
}

func two(d, large time.Duration, a string, small time.Duration, b string) string {
	text := strconv.Itoa(int(d/large)) + a
	if rest := d % large / small; rest > 0 {
		text += strconv.Itoa(int(rest)) + b
	}
	return text
}

// bytes writes a size.
func bytes[T ~uint64 | ~int64](n T) string {
	const units = "KMGTPE"
	size := float64(n)
	if size < 1024 {
		return strconv.FormatInt(int64(n), 10) + " B"
	}
	unit := -1
	for size >= 1024 && unit < len(units)-1 {
		size /= 1024
		unit++
	}
	return strconv.FormatFloat(size, 'f', 1, 64) + " " + units[unit:unit+1] + "iB"
}

// share writes a part of a whole.
func share[T ~uint64 | ~int64](part, whole T) string {
	if whole == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}

// few joins the first of a list and says how many there are beyond.
func few(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + " and " + number(len(list)-most) + " more"
}

// skewed writes by how much a clock is ahead or behind.
func skewed(nanoseconds int64) string {
	if d := time.Duration(nanoseconds); d >= 0 {
		return age(d) + " ahead"
	}
	return age(-time.Duration(nanoseconds)) + " behind"
}
