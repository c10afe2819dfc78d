// Command hal9-keda writes, checks and tries out how KEDA scales HAL9's layers. It is a program of its own because it
// links Kubernetes' types, which the pods need not carry. See `hal9-keda help`.
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
// which stands on stderr in one line.
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
	if !errors.Is(err, command.ErrSilent) {
		fmt.Fprintln(os.Stderr, "hal9-keda: "+command.OneLine(err))
	}
	return 1
}
