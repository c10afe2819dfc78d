package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Objective is how one configured objective stands.
type Objective struct {
	Name            string
	BudgetRemaining float64         // 1 full, 0 spent, below 0 overspent
	BurnRate        float64         // 1 spends the budget exactly over the window
	Alerts          map[string]bool // by name, whether it fires
}

// objectives shows the error budgets.
type objectives struct {
	group
	budget *prometheus.GaugeVec
	burn   *prometheus.GaugeVec
	alerts *prometheus.GaugeVec
}

func newObjectives() *objectives {
	o := &objectives{
		budget: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hal9_objective_budget_remaining_ratio",
			Help: "Share of the objective's error budget that is left: 1 full, 0 spent, below 0 overspent.",
		}, []string{"objective"}),
		burn: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hal9_objective_burn_rate_ratio",
			Help: "How fast the error budget is spent: 1 spends it exactly over the objective's window.",
		}, []string{"objective"}),
		alerts: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hal9_objective_alert_firing",
			Help: "Whether the objective's burn-rate alert fires (1) or not (0).",
		}, []string{"objective", "alert"}),
	}
	o.group = group{o.budget, o.burn, o.alerts}
	return o
}

// SetObjective says how an objective stands. Names are those of the configuration, which
// bounds them.
func (m *Metrics) SetObjective(o Objective) {
	m.objectives.budget.WithLabelValues(o.Name).Set(o.BudgetRemaining)
	m.objectives.burn.WithLabelValues(o.Name).Set(o.BurnRate)
	for name, firing := range o.Alerts {
		value := 0.0
		if firing {
			value = 1
		}
		m.objectives.alerts.WithLabelValues(o.Name, name).Set(value)
	}
}
