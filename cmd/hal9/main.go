// Command hal9 is the triage engine for signal streams: the five layers, the NATS server
// that carries them on a laptop, and the tools around them. See `hal9 help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/2lab-ai/hal9/internal/command"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

// run executes the command line and returns the exit code: 0 on success, 1 on any failure,
// which stands on stderr in one line. hal9 doctor has codes of its own.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // A second Ctrl-C ends the process at once.
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit.code
	}
	if !errors.Is(err, command.ErrSilent) {
		fmt.Fprintln(os.Stderr, "hal9: "+command.OneLine(err))
	}
	return 1
}
