package chaos_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// network is a bridge on this machine and network namespaces that hang on it, one for each server. All of
// it carries this process's id in its name and goes with the test.
type network struct {
	prefix string // of all names, which may have 15 characters
	subnet int    // 10.213.<subnet>.0/24
}

// networkPrefix begins the names of everything that a network makes.
const networkPrefix = "h9c"

// newNetwork makes a network with so many namespaces, or skips where this process may not.
func newNetwork(t *testing.T, size int) *network {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("the network of a server is cut with ip(8) from iproute2, which is not installed")
	}
	ctx := context.WithoutCancel(t.Context()) // What is made must go, whatever happens.
	sweepNetworks(ctx)
	n := &network{prefix: networkPrefix + strconv.Itoa(os.Getpid()), subnet: os.Getpid()%250 + 1}
	t.Cleanup(func() { removeNetwork(ctx, n.prefix) })
	if err := ip(ctx, "link", "add", n.prefix+"b", "type", "bridge"); err != nil {
		t.Skipf("the network of a server is cut in a namespace of its own, and this process may make none: %v", err)
	}
	steps := [][]string{
		{"addr", "add", n.address(1) + "/24", "dev", n.prefix + "b"},
		{"link", "set", n.prefix + "b", "up"},
	}
	for node := range size {
		name, link := n.namespace(node), n.link(node)
		steps = append(steps,
			[]string{"netns", "add", name},
			[]string{"link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name},
			[]string{"link", "set", link, "master", n.prefix + "b"},
			[]string{"link", "set", link, "up"},
			[]string{"-n", name, "addr", "add", n.host(node) + "/24", "dev", "eth0"},
			[]string{"-n", name, "link", "set", "eth0", "up"},
			[]string{"-n", name, "link", "set", "lo", "up"})
	}
	for _, step := range steps {
		if err := ip(ctx, step...); err != nil {
			t.Skipf("the network of a server is cut in a namespace of its own, and this process may make none: %v", err)
		}
	}
	return n
}

func (n *network) address(last int) string { return fmt.Sprintf("10.213.%d.%d", n.subnet, last) }

func (n *network) host(node int) string      { return n.address(11 + node) }
func (n *network) namespace(node int) string { return n.prefix + "n" + strconv.Itoa(node) }
func (n *network) link(node int) string      { return n.prefix + "v" + strconv.Itoa(node) }

// command is what runs a program in a node's namespace.
func (n *network) command(node int) []string {
	return []string{"ip", "netns", "exec", n.namespace(node)}
}

// cut takes a node off the network, without a word to those that it talks to; heal brings it back.
func (n *network) cut(ctx context.Context, node int) error {
	return ip(ctx, "link", "set", n.link(node), "down")
}

func (n *network) heal(ctx context.Context, node int) error {
	return ip(ctx, "link", "set", n.link(node), "up")
}

// removeNetwork takes everything of one prefix away; what is not there does not matter.
func removeNetwork(ctx context.Context, prefix string) {
	for _, name := range namesOf(ctx, "netns", "list") {
		if strings.HasPrefix(name, prefix+"n") {
			_ = ip(ctx, "netns", "del", name)
		}
	}
	for _, name := range namesOf(ctx, "-o", "link", "show") {
		name, _, _ = strings.Cut(strings.TrimSuffix(name, ":"), "@")
		if strings.HasPrefix(name, prefix+"v") || name == prefix+"b" {
			_ = ip(ctx, "link", "del", name)
		}
	}
}

// namesOf returns the names in a list of ip's.
func namesOf(ctx context.Context, args ...string) []string {
	out, err := exec.CommandContext(ctx, "ip", args...).Output()
	if err != nil {
		return nil
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && strings.HasSuffix(fields[0], ":") { // a number stands before the links
			fields = fields[1:]
		}
		if len(fields) > 0 {
			names = append(names, fields[0])
		}
	}
	return names
}

// sweepNetworks takes away what a test left behind that was killed.
func sweepNetworks(ctx context.Context) {
	left := map[string]bool{}
	for _, name := range append(namesOf(ctx, "netns", "list"), namesOf(ctx, "-o", "link", "show")...) {
		if text, ours := strings.CutPrefix(name, networkPrefix); ours {
			end := strings.IndexAny(text, "nvb")
			left[text[:max(0, end)]] = true
		}
	}
	for text := range left {
		if pid, err := strconv.Atoi(text); err == nil && syscall.Kill(pid, 0) != nil {
			removeNetwork(ctx, networkPrefix+text)
		}
	}
}

// ip runs ip(8).
func ip(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
