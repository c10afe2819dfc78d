package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/emergency"
	"github.com/2lab-ai/hal9/internal/kube"
)

// crisis is what the emergency commands have in common.
type crisis struct {
	global *global
	kube   kube.Client
	bus    bus.Config
	record string
	json   bool
	plain  bool
	yes    bool
}

func newEmergency(g *global) *cobra.Command {
	c := newCrisis(g)
	cmd := &cobra.Command{
		Use:   "emergency",
		Short: "More replicas at once when autoscaling is too slow, and the exact way back",
		Long: `More replicas at once when autoscaling is too slow, and the exact way back. Alone it says which
emergencies are under way. It runs kubectl, with kubectl's own configuration.`,
		Example: `  hal9 emergency                                     what is under way
  hal9 emergency scale --layer L3 --replicas 20      what it would do
  hal9 emergency scale --layer L3 --replicas 20 --yes
  hal9 emergency restore --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.status(cmd) },
	}
	c.flags(cmd)
	cmd.AddCommand(newEmergencyScale(g), newEmergencyRestore(g))
	return cmd
}

func newCrisis(g *global) *crisis {
	return &crisis{global: g, kube: kube.NewClient(), bus: bus.DefaultConfig()}
}

// flags adds the flags that say where.
func (c *crisis) flags(cmd *cobra.Command) {
	kubeFlags(cmd, &c.kube)
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&c.plain, "plain", false, "no colours, no art")
}

// kubeFlags adds the flags with which kubectl finds a cluster.
func kubeFlags(cmd *cobra.Command, c *kube.Client) {
	cmd.Flags().StringVar(&c.Namespace, "namespace", c.Namespace, "namespace of HAL9")
	cmd.Flags().StringVar(&c.Context, "context", "", "context of kubectl's configuration; default the current one")
	cmd.Flags().StringVar(&c.Kubeconfig, "kubeconfig", "", "kubectl's configuration file; default what kubectl takes")
	cmd.Flags().StringVar(&c.Program, "kubectl", c.Program, "the kubectl program")
}

func (c *crisis) screen(cmd *cobra.Command) cli.Crisis {
	screen := cli.NewScreen(cmd.OutOrStdout(), os.LookupEnv)
	screen.Colour = screen.Colour && !c.plain
	return cli.Crisis{Screen: screen, JSON: c.json, Kube: c.kube}
}

// status says which emergencies are under way.
func (c *crisis) status(cmd *cobra.Command) error {
	place, err := c.kube.Place(cmd.Context())
	if err != nil {
		return err
	}
	cluster, err := emergency.Read(cmd.Context(), c.kube)
	if err != nil {
		return err
	}
	return c.screen(cmd).Active(emergency.Active(cluster, &place), time.Now())
}

func newEmergencyRestore(g *global) *cobra.Command {
	c := newCrisis(g)
	var o emergency.RestoreOptions
	cmd := &cobra.Command{
		Use:   "restore [FILE]",
		Short: "Give back what was before an emergency",
		Long: `Give back what was before an emergency: exactly the fields that it changed, from the record that
it wrote, or from the annotations on the objects where there is no record on this machine. What
somebody else changed meanwhile is not touched without --force. It can be run any number of times.`,
		Example: `  hal9 emergency restore              what it would do
  hal9 emergency restore --yes
  hal9 emergency restore --yes --keep-replicas    the autoscaler takes the pods away at its own pace`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.restore(cmd, args, o) },
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do it; without it only what would be done is shown")
	cmd.Flags().BoolVar(&o.Force, "force", false, "give back what was before also where somebody changed it meanwhile")
	cmd.Flags().BoolVar(&o.KeepReplicas, "keep-replicas", false, "leave the number of pods to the autoscaler")
	return cmd
}

func (c *crisis) restore(cmd *cobra.Command, args []string, o emergency.RestoreOptions) error {
	ctx := cmd.Context()
	place, err := c.kube.Place(ctx)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		o.File = args[0]
	}
	way, err := emergency.FindWay(ctx, c.kube, &place, o)
	screen := c.screen(cmd)
	if errors.Is(err, emergency.ErrNone) {
		return screen.Active(&emergency.Record{Version: 1, Place: place}, time.Now())
	}
	if err != nil {
		return err
	}
	if err := screen.Way(way, c.yes); err != nil || !c.yes {
		return err
	}
	return screen.Restored(way, way.Restore(ctx, c.kube, screen.Step))
}

// logger returns the log; what the NATS client says is of interest to whoever asks for it.
func (c *crisis) logger(cmd *cobra.Command) (*slog.Logger, error) {
	if !cmd.Flags().Changed("log-level") {
		c.global.logLevel = "error"
	}
	return c.global.logger(cmd.ErrOrStderr())
}

// reachable connects to NATS where it is there; the error says how it would be.
func (c *crisis) reachable(log *slog.Logger) (*bus.Bus, error) {
	c.bus.Name, c.bus.ConnectTimeout = "hal9-emergency", 2*time.Second
	b, err := bus.Connect(c.bus, log)
	if err != nil {
		return nil, fmt.Errorf("%s; %s makes that of Kubernetes reachable", command.OneLine(err), c.kube.Command("port-forward", "service/hal9-nats", "4222"))
	}
	return b, nil
}
