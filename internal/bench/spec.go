package bench

import "context"

// spec says how a row of the table is measured and judged.
type spec struct {
	id      string
	title   string
	unit    string
	measure func(ctx context.Context, s *session, row *Row) error
	judge   func(row *Row) (must, goal *bool)
}

// specs lists the rows in the table's order.
func specs() []spec {
	return []spec{
		{
			id: "throughput", title: "sustained through five layers that pass on, none lost", unit: "signals/s",
			measure: measureThroughput, judge: judgeThroughput,
		},
	}
}

// IDs lists the rows' ids in the table's order.
func IDs() []string {
	var ids []string
	for _, spec := range specs() {
		ids = append(ids, spec.id)
	}
	return ids
}
