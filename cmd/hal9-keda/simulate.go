package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/keda/simulate"
	"github.com/2lab-ai/hal9/layers"
)

type simulateFlags struct {
	form    simulate.Form
	shape   string
	load    string
	config  string
	layer   string
	rate    float64
	assumed float64
	cfg     simulate.Config
	scalers []string
	svg     string
	json    bool
	points  bool
	noPlot  bool
	width   int
}

func newSimulate() *cobra.Command {
	f := &simulateFlags{form: simulate.DefaultForm(), cfg: simulate.DefaultConfig()}
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Replay a load through the autoscalers: how late, how many pods, how steady",
		Long: `Replay a load through Kubernetes' autoscaler, without a cluster, as each of these feeds it: CPU at 60 %, KEDA's
stock lag trigger, that with the p95 of waiting, and HAL9's scaler, the code that runs in production. The load is
computed (--shape) or recorded (--load FILE: CSV of time and signals/s, or what ` + "`hal9 scaler explain --json`" + ` prints).
What the model leaves out stands in docs/keda.md.`,
		Example: `  hal9-keda simulate                                           a step from 1,000 to 10,000,000 signals/s
  hal9-keda simulate --shape daily --for 24h --to 24000 --rate 1000 --assumed 3000
  hal9 scaler explain L3 --json --last 10000 | hal9-keda simulate --load - --layer L3 --svg l3.svg`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.shape, "shape", string(f.form.Shape), "load: step, spike, daily or ramp")
	flags.Float64Var(&f.form.From, "from", f.form.From, "least load, signals/s")
	flags.Float64Var(&f.form.To, "to", f.form.To, "greatest load, signals/s")
	flags.DurationVar(&f.form.Length, "for", f.form.Length, "length of the load")
	flags.Float64Var(&f.form.Noise, "noise", 0.1, "share by which the load varies")
	flags.StringVar(&f.load, "load", "", "recorded load, CSV or JSON; - is the standard input")
	flags.StringVar(&f.config, "config", "", "configuration file, for its section scaling; hal9.yaml in this folder is read where it exists")
	flags.StringVar(&f.layer, "layer", "L3", "whose part of that section")
	flags.Float64Var(&f.rate, "rate", 0, "signals/s that one replica really works off (default: what takes 80 % of the maximum at the peak)")
	flags.Float64Var(&f.assumed, "assumed", 0, "signals/s that the scalers take one to do, until measured (default: the same)")
	flags.IntVar(&f.cfg.Partitions, "partitions", f.cfg.Partitions, "beyond which replicas have nothing to do; 0 is no bound")
	flags.Float64Var(&f.cfg.CPU, "cpu", f.cfg.CPU, "cores that a replica at full rate takes, of the one that it requests")
	flags.BoolVar(&f.cfg.Kubernetes, "kubernetes-pace", false, "Kubernetes' own pace (twice as many in 15 s) instead of that of the section")
	flags.BoolVar(&f.cfg.Old, "before-1.35", false, "Kubernetes before 1.35, which ignores that HAL9's ScaledObjects set the tolerance to 0")
	flags.StringSliceVar(&f.scalers, "scalers", nil, "which to run: cpu, lag, lag+p95, hal9 (default all)")
	flags.StringVar(&f.svg, "svg", "", "write a picture to this file")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.points, "points", false, "with --json: every second, too")
	flags.BoolVar(&f.noPlot, "no-plot", false, "print the table alone")
	flags.IntVar(&f.width, "width", 96, "columns of the plots")
	return cmd
}

func (f *simulateFlags) run(cmd *cobra.Command) error {
	load, err := f.read(cmd.InOrStdin())
	if err != nil {
		return err
	}
	if err := f.configure(load); err != nil {
		return err
	}
	kinds, err := f.kinds()
	if err != nil {
		return err
	}
	var results []simulate.Result
	for _, kind := range kinds {
		results = append(results, simulate.Run(f.cfg, load, kind))
	}
	if f.svg != "" {
		if err := f.draw(results); err != nil {
			return err
		}
	}
	if f.json {
		return f.printJSON(cmd.OutOrStdout(), load, results)
	}
	return f.print(cmd.OutOrStdout(), load, results)
}

// read returns the load, recorded or computed.
func (f *simulateFlags) read(in io.Reader) (simulate.Load, error) {
	switch f.load {
	case "":
		f.form.Shape = simulate.Shape(f.shape)
		return f.form.Load()
	case "-":
		return simulate.ReadLoad(in)
	}
	file, err := os.Open(f.load)
	if err != nil {
		return nil, fmt.Errorf("hal9-keda: --load: %w", err)
	}
	load, err := simulate.ReadLoad(file)
	return load, errors.Join(err, file.Close())
}

// configure takes what hal9.yaml says of the layer, and the rates.
func (f *simulateFlags) configure(load simulate.Load) error {
	layer, err := layers.ParseName(f.layer)
	if err != nil {
		return fmt.Errorf("hal9-keda: --layer: %w", err)
	}
	file, err := command.LoadConfig(f.config)
	if err != nil {
		return err
	}
	f.cfg.Policy = file.Scaling.For(layer)
	f.cfg.Policy.Min = max(1, f.cfg.Policy.Min) // From the first replica on it is the HPA's part.
	f.cfg.Rate = f.rate
	if f.rate == 0 {
		f.cfg.Rate = max(1, load.Peak()/(0.8*float64(f.cfg.Policy.Max)))
	}
	f.cfg.Policy.Rate = f.assumed
	if f.assumed == 0 {
		f.cfg.Policy.Rate = f.cfg.Rate
	}
	return f.cfg.Validate()
}

func (f *simulateFlags) kinds() ([]simulate.Kind, error) {
	if len(f.scalers) == 0 {
		return simulate.Kinds(), nil
	}
	var kinds []simulate.Kind
	for _, name := range f.scalers {
		if !slices.Contains(simulate.Kinds(), simulate.Kind(name)) {
			return nil, fmt.Errorf("hal9-keda: --scalers %q: want cpu, lag, lag+p95 or hal9", name)
		}
		kinds = append(kinds, simulate.Kind(name))
	}
	return kinds, nil
}

func (f *simulateFlags) draw(results []simulate.Result) (err error) {
	file, err := os.Create(f.svg)
	if err != nil {
		return fmt.Errorf("hal9-keda: --svg: %w", err)
	}
	return errors.Join(simulate.WriteSVG(file, f.cfg, results), file.Close())
}

// report is what programs get.
type report struct {
	Seconds    int               `json:"load_seconds"`
	Peak       float64           `json:"load_peak"` // signals/s over a minute
	Rate       float64           `json:"rate"`      // of one replica, signals/s
	Assumed    float64           `json:"assumed_rate"`
	Min        int               `json:"min_replicas"`
	Max        int               `json:"max_replicas"`
	Objective  float64           `json:"latency_objective_seconds"`
	Partitions int               `json:"partitions"`
	Results    []simulate.Result `json:"results"`
}

func (f *simulateFlags) printJSON(out io.Writer, load simulate.Load, results []simulate.Result) error {
	if !f.points {
		for i := range results {
			results[i].Points = nil
		}
	}
	p := f.cfg.Policy
	return printJSON(out, report{len(load), load.Peak(), f.cfg.Rate, p.Rate, p.Min, p.Max, p.Latency.Seconds(), f.cfg.Partitions, results})
}

func (f *simulateFlags) print(out io.Writer, load simulate.Load, results []simulate.Result) error {
	name := f.load
	if name == "" {
		name = f.shape
	}
	p, count := f.cfg.Policy, simulate.Count
	fmt.Fprintf(out, "%s: %s of load, %s signals/s at its peak. A replica works off %s/s (the scalers take it for %s/s); %d to %d replicas.\n\n",
		name, time.Duration(len(load))*time.Second, count(load.Peak()), count(f.cfg.Rate), count(p.Rate), p.Min, p.Max)
	if !f.noPlot {
		for i := range results {
			if err := simulate.WritePlot(out, f.cfg, &results[i], max(20, min(f.width, 400))); err != nil {
				return err
			}
			fmt.Fprintln(out)
		}
	}
	if err := simulate.WriteTable(out, results); err != nil {
		return err
	}
	return simulate.WriteLegend(out, f.cfg)
}
