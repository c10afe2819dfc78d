// Command hal9-keda writes, checks and tries out how KEDA scales HAL9's layers. It is a program of its own because it
// links Kubernetes' types, which the pods need not carry. See `hal9-keda help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
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
	if !errors.Is(err, errSilent) {
		fmt.Fprintln(os.Stderr, "hal9-keda: "+oneLine(err))
	}
	return 1
}

// oneLine returns an error as the line that ends the process: the names of packages that
// wrap each other say nothing to whoever reads it.
func oneLine(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' })
	for i, line := range lines {
		lines[i] = packageNames.ReplaceAllString(line, "")
	}
	return strings.Join(lines, "; ")
}

// packageNames matches the packages of this module that may start an error's text.
var packageNames = regexp.MustCompile(`^((bus|config|lint|manifest|policy|simulate): )+`)
