package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/command"
)

// client is what the commands that speak to a running HAL9 have in common.
type client struct {
	global *global
	bus    bus.Config
	config string
	json   bool
}

func newClient(g *global, cmd *cobra.Command) *client {
	c := &client{global: g, bus: bus.DefaultConfig()}
	c.bus.Name = "hal9-" + cmd.Name()
	connectionFlags(cmd, &c.bus)
	return c
}

// configFlag adds --config to commands that read signals.
func (c *client) configFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.config, "config", "", "configuration file, for its sources; hal9.yaml in this folder is read where it exists")
}

func (c *client) jsonFlag(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&c.json, "json", false, usage)
}

// connect connects to a NATS that is provisioned.
func (c *client) connect(ctx context.Context, cmd *cobra.Command) (*bus.Bus, error) {
	log, err := c.global.logger(cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	b, err := bus.Connect(c.bus, log)
	if err != nil {
		return nil, err
	}
	if _, err := b.Partitions(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// door returns how signals are read: with the source rules of the configuration, and no
// larger than L1 takes them.
func (c *client) door(b *bus.Bus) (cli.Door, error) {
	file, err := command.LoadConfig(c.config)
	if err != nil {
		return cli.Door{}, err
	}
	decoder, err := app.NewDecoder(file.Sources, b)
	return cli.Door{Decoder: decoder, Record: app.SignalRecord, Now: time.Now}, err
}

func screen(cmd *cobra.Command) cli.Screen {
	return cli.NewScreen(cmd.OutOrStdout(), os.LookupEnv)
}

// complete offers values for a flag.
func complete[T ~string](cmd *cobra.Command, flag string, values ...T) {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = string(value)
	}
	// It fails only for flags that do not exist, which a test would see.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// flagError says which flag an error is about.
func flagError(flag string, err error) error {
	return fmt.Errorf("--%s: %s", flag, command.OneLine(errors.New(strings.TrimPrefix(err.Error(), "layers: "))))
}

// severities are the words that people write.
func severities() []string { return []string{"debug", "info", "warning", "error", "critical"} }
