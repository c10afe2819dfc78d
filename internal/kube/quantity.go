package kube

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Quantity is an amount of a resource, in thousandths: of a CPU, of a byte, of a pod.
type Quantity float64

// suffixes are those of Kubernetes, the longer ones first.
var suffixes = []struct {
	text   string
	factor float64
}{
	{"Ki", 1 << 10},
	{"Mi", 1 << 20},
	{"Gi", 1 << 30},
	{"Ti", 1 << 40},
	{"Pi", 1 << 50},
	{"Ei", 1 << 60},
	{"m", 1e-3},
	{"k", 1e3},
	{"M", 1e6},
	{"G", 1e9},
	{"T", 1e12},
	{"P", 1e15},
	{"E", 1e18},
}

// ParseQuantity reads "500m", "4Gi", "1e3", "2".
func ParseQuantity(text string) (Quantity, error) {
	number, factor := text, 1.0
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		for _, suffix := range suffixes {
			if rest, ok := strings.CutSuffix(text, suffix.text); ok {
				number, factor = rest, suffix.factor
				break
			}
		}
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, fmt.Errorf("kube: %q is no quantity: want such as 500m, 4Gi or 2", text)
	}
	return Quantity(value * factor * 1000), nil
}

// Text writes an amount of a resource for people.
func (q Quantity) Text(resource string) string {
	value := float64(q) / 1000
	if strings.Contains(resource, "memory") || strings.Contains(resource, "storage") {
		return strconv.FormatFloat(math.Round(value/(1<<30)*10)/10, 'f', -1, 64) + " GiB"
	}
	return strconv.FormatFloat(math.Round(value*10)/10, 'f', -1, 64)
}
