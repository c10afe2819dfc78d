// Package kube speaks to Kubernetes through the kubectl program, with kubectl's own configuration, so that HAL9 links no
// client of its own and does what its user may do, no more. It reads the few fields that HAL9 looks at, and says what
// holds pods back.
package kube

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Client runs kubectl.
type Client struct {
	Program    string        // default kubectl, found on PATH
	Context    string        // of kubectl's configuration; default the current one
	Kubeconfig string        // file; default what kubectl itself takes
	Namespace  string        // default hal9
	Timeout    time.Duration // of one request; default 20 s
	Again      int           // how often a question is asked again that was not answered in time; default 1
}

// What a command does without a flag.
const (
	usualProgram   = "kubectl"
	usualNamespace = "hal9"
)

// NewClient returns a client with the defaults.
func NewClient() Client {
	return Client{Program: usualProgram, Namespace: usualNamespace, Timeout: 20 * time.Second, Again: 1}
}

// ErrMissing says that there is no kubectl.
var ErrMissing = errors.New("kube: kubectl is not installed, or not on PATH: install it (https://kubernetes.io/docs/tasks/tools/) and see that `kubectl get nodes` works")

// Trouble is why a request failed.
type Trouble string

// Troubles.
const (
	TroubleUnreachable Trouble = "unreachable" // no API server answers
	TroubleForbidden   Trouble = "forbidden"   // it answers, and the user may not
	TroubleNotFound    Trouble = "not found"
	TroubleNoKind      Trouble = "no such kind" // such as ScaledObject where there is no KEDA
	TroubleConflict    Trouble = "conflict"     // somebody else changed it meanwhile
	TroubleNoContext   Trouble = "no context"   // kubectl's configuration has none, such as within a pod
	TroubleStopped     Trouble = "stopped"      // by whoever asked
	TroubleOther       Trouble = "failed"
)

// Error is what kubectl said.
type Error struct {
	Args    []string
	Trouble Trouble
	Text    string

	late bool // there was no answer in time
}

func (e *Error) Error() string {
	return "kube: kubectl " + strings.Join(e.Args, " ") + ": " + e.Text
}

// TroubleOf returns why an error is one, "" where it does not come from kubectl.
func TroubleOf(err error) Trouble {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Trouble
	}
	return ""
}

// classify reads what kubectl writes where it fails; its exit code is 1 for everything.
func classify(text string) Trouble {
	for _, known := range []struct {
		trouble Trouble
		parts   []string
	}{
		{TroubleConflict, []string{"(Conflict)", "the object has been modified"}},
		{TroubleNoKind, []string{"the server doesn't have a resource type", "no matches for kind"}},
		{TroubleNotFound, []string{"(NotFound)"}},
		{TroubleNoContext, []string{"current-context must exist"}},
		{TroubleForbidden, []string{"(Forbidden)", "(Unauthorized)", "must be logged in"}},
		{TroubleUnreachable, []string{
			"Unable to connect to the server", "was refused", "no such host", "i/o timeout", "deadline exceeded", "TLS handshake timeout",
			"connection reset", "ServiceUnavailable", "in the time allotted", "EOF", "cannot locate context", "no configuration has been provided", "does not exist",
			"certificate",
		}},
	} {
		for _, part := range known.parts {
			if strings.Contains(text, part) {
				return known.trouble
			}
		}
	}
	return TroubleOther
}

// Args returns the arguments that say where, for a request.
func (c Client) Args(args ...string) []string {
	var where []string
	if c.Kubeconfig != "" {
		where = append(where, "--kubeconfig", c.Kubeconfig)
	}
	if c.Context != "" {
		where = append(where, "--context", c.Context)
	}
	if c.Namespace != "" {
		where = append(where, "--namespace", c.Namespace)
	}
	return append(where, args...)
}

// Command returns a request as people type it.
func (c Client) Command(args ...string) string {
	return Quote(append([]string{cmp.Or(c.Program, usualProgram)}, c.Args(args...)...)...)
}

// Flags returns the flags with which a hal9 command finds the same cluster, each behind a space; "" where it does without.
func (c Client) Flags() string {
	var text strings.Builder
	for _, flag := range []struct{ name, value, without string }{
		{"--kubectl", c.Program, usualProgram}, {"--kubeconfig", c.Kubeconfig, ""}, {"--context", c.Context, ""}, {"--namespace", c.Namespace, usualNamespace},
	} {
		if flag.value != "" && flag.value != flag.without {
			text.WriteString(" " + Quote(flag.name, flag.value))
		}
	}
	return text.String()
}

// Quote writes words for a shell.
func Quote(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@%+") != "" {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// outputMost bounds what kubectl may answer, bytes.
const outputMost = 64 << 20

// Run runs kubectl and returns what it writes.
func (c Client) Run(ctx context.Context, args ...string) ([]byte, error) {
	return c.ask(ctx, nil, args...)
}

// ask runs kubectl, and once more what only asks and was not answered in time: a cluster in trouble is slow.
func (c Client) ask(ctx context.Context, input []byte, args ...string) (out []byte, err error) {
	for range 1 + c.Again {
		out, err = c.run(ctx, input, args...)
		e, ok := errors.AsType[*Error](err)
		if !ok || !e.late || args[0] == "patch" || ctx.Err() != nil {
			break
		}
	}
	return out, err
}

// grace is what kubectl itself may take beside its request: one that hangs, such as in a login helper, must not hold up
// what is urgent.
const grace = 5 * time.Second

// run runs kubectl once. What it wrote comes back also where it failed or was stopped.
func (c Client) run(asked context.Context, input []byte, args ...string) ([]byte, error) {
	all := c.Args(args...)
	ctx, cancel := context.WithTimeout(asked, c.Timeout+grace)
	defer cancel()
	// Within a pod kubectl forgets the pod's account where this flag is there (kubernetes/kubernetes#93474).
	if os.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		all = append(all, "--request-timeout", c.Timeout.String())
	}
	cmd := exec.CommandContext(ctx, c.Program, all...)
	out, text := bounded{most: outputMost}, bounded{most: 64 << 10}
	cmd.Stdout, cmd.Stderr = &out, &text
	if input != nil {
		cmd.Stdin = bytes.NewReader(input)
	}
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	// That a login helper of its still holds its output, or that time is up by now, undoes nothing.
	if err == nil || cmd.ProcessState != nil && cmd.ProcessState.Success() {
		return out.kept.Bytes(), nil
	}
	if errors.Is(err, exec.ErrNotFound) || strings.Contains(err.Error(), "no such file") {
		return nil, ErrMissing
	}
	said := firstLines(text.kept.String())
	failed := &Error{Args: args, Trouble: classify(said), Text: cmp.Or(said, err.Error()), late: late(said)}
	switch {
	case asked.Err() != nil:
		failed.Trouble, failed.Text, failed.late = TroubleStopped, ended("stopped", said), false
	case ctx.Err() != nil:
		failed.Trouble, failed.Text, failed.late = TroubleUnreachable, ended("no answer within "+c.Timeout.String(), said), true
	}
	return out.kept.Bytes(), failed
}

// ended adds what kubectl said before it was ended.
func ended(why, said string) string {
	if said == "" {
		return why
	}
	return why + ": " + said
}

// late reports whether kubectl says that there was no answer in time.
func late(text string) bool {
	return strings.Contains(text, "Client.Timeout") || strings.Contains(text, "deadline exceeded") || strings.Contains(text, "Handler timeout") ||
		strings.Contains(text, "the server was unable to return a response in the time allotted")
}

// firstLines keeps what kubectl says without its repetitions and log lines.
func firstLines(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || logLine(line) || len(lines) > 0 && lines[len(lines)-1] == line || len(lines) == 4 {
			continue
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return strings.TrimSpace(text)
	}
	return strings.Join(lines, "; ")
}

// logLine reports whether a line is one of klog's, such as "E1126 03:00:00.1 …".
func logLine(line string) bool {
	return len(line) > 5 && strings.ContainsRune("IWE", rune(line[0])) && strings.Trim(line[1:5], "0123456789") == ""
}

// bounded keeps the beginning of what is written.
type bounded struct {
	kept bytes.Buffer
	most int
}

// Write implements io.Writer.
func (b *bounded) Write(data []byte) (int, error) {
	if room := b.most - b.kept.Len(); room > 0 {
		_, _ = b.kept.Write(data[:min(room, len(data))]) // A buffer takes everything.
	}
	return len(data), nil
}

// Get asks for objects, as JSON.
func Get[T any](ctx context.Context, c Client, args ...string) (T, error) {
	var value T
	data, err := c.Run(ctx, append([]string{"get", "--output", "json"}, args...)...)
	if err != nil {
		return value, err
	}
	if err := json.Unmarshal(data, &value); err != nil {
		return value, fmt.Errorf("kube: what kubectl get %s answered: %w", strings.Join(args, " "), err)
	}
	return value, nil
}

// List is a list of objects.
type List[T any] struct {
	Items []T `json:"items"`
}
