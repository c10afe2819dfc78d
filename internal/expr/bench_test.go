package expr

import (
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

func BenchmarkSignal(b *testing.B) {
	signal := sampleSignal()
	for _, expression := range []string{
		`severity >= error`,
		`source == "nginx"`,
		`severity >= error && labels.env == "prod"`,
		`text.matches(r"\b5\d\d\b")`,
		`value > 5`,
		`source == "other" && data.status == 500`,
		`data.status == 500`,
		`labels.exists(k, labels[k] == "prod")`,
		`labels.team == "core"`,
	} {
		b.Run(expression, func(b *testing.B) {
			condition, err := Signal(expression)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				condition(signal)
			}
		})
	}
}

func BenchmarkVerdict(b *testing.B) {
	condition, err := Verdict(`disposition in ["resolved", "folded"] && layer == "L3"`)
	if err != nil {
		b.Fatal(err)
	}
	verdict := &layers.Verdict{Layer: layers.NameL3, Disposition: layers.DispositionResolved}
	b.ReportAllocs()
	for b.Loop() {
		condition(verdict)
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Signal(`severity >= error && labels.env == "prod" && text.contains("timeout")`); err != nil {
			b.Fatal(err)
		}
	}
}
