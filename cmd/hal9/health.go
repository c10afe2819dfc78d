package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/command"
)

// healthMost bounds what is read of an answer, bytes.
const healthMost = 1 << 20

type healthFlags struct {
	http    string
	live    bool
	json    bool
	timeout time.Duration
}

// healthAnswer is the answer of /readyz and /healthz.
type healthAnswer struct {
	Status string `json:"status"`
	Checks []struct {
		Name   string `json:"name"`
		OK     bool   `json:"ok"`
		Detail string `json:"detail"`
	} `json:"checks"`
}

func newHealth() *cobra.Command {
	f := &healthFlags{}
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running hal9 whether it can do its job; exit code 1 where it can't",
		Long: `Ask a running hal9 whether it can do its job now (/readyz), or with --live whether it works at
all (/healthz), and end with exit code 1 where not: for the health checks of containers, whose
image has no shell. In a container it asks the process beside it: HAL9_HTTP is the address of both.`,
		Example: `  hal9 health
  hal9 health --http http://127.0.0.1:9099 --live
  HAL9_HTTP=0.0.0.0:9099 hal9 health`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.http, "http", "127.0.0.1:9099", "address of the hal9 to ask: host:port or a URL; one that listens everywhere is asked on 127.0.0.1")
	flags.BoolVar(&f.live, "live", false, "ask whether the process works at all, not whether it is ready")
	flags.BoolVar(&f.json, "json", false, "print the answer as it came, JSON")
	flags.DurationVar(&f.timeout, "timeout", 3*time.Second, "how long the answer may take")
	return cmd
}

func (f *healthFlags) run(ctx context.Context, out io.Writer) error {
	address, err := f.url()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return fmt.Errorf("%s does not answer: %w: is hal9 running there?", address, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, healthMost))
	if err != nil {
		return fmt.Errorf("%s: read the answer: %w", address, err)
	}
	var answer healthAnswer
	if json.Unmarshal(data, &answer) != nil || answer.Status == "" {
		return fmt.Errorf("%s answers %s and no checks: is it a hal9?", address, res.Status)
	}
	if err := f.print(out, data, &answer); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return command.ErrSilent
	}
	return nil
}

func (f *healthFlags) print(out io.Writer, data []byte, answer *healthAnswer) error {
	if f.json {
		_, err := fmt.Fprintf(out, "%s\n", strings.TrimSpace(string(data)))
		return err
	}
	var b strings.Builder
	for _, c := range answer.Checks {
		word := "ok"
		if !c.OK {
			word = "FAILING"
		}
		fmt.Fprintf(&b, "%-8s %-10s %s\n", word, c.Name, c.Detail)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// url returns what to ask.
func (f *healthFlags) url() (string, error) {
	text := f.http
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("--http %q: want host:port or a URL, such as 127.0.0.1:9099", f.http)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "" || ip != nil && ip.IsUnspecified() {
		u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	}
	u.Path, u.RawQuery = "/readyz", ""
	if f.live {
		u.Path = "/healthz"
	}
	return u.String(), nil
}
