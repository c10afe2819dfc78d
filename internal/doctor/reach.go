package doctor

import (
	"strings"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/kube"
)

// secretNATS stands in commands for an address with a password, which must not lie around in files: HAL9_NATS is also
// what hal9 itself reads.
const secretNATS = `"$HAL9_NATS"`

// natsURL writes the address of NATS for a shell.
func (o *Options) natsURL() string {
	if strings.Contains(o.NATS.URL, "@") {
		return secretNATS
	}
	return kube.Quote(o.NATS.URL)
}

// hal9 writes a hal9 command for the NATS that was looked at.
func (f *Facts) hal9(words string) string {
	line := "hal9 " + words
	if f.Options.NATS.URL != bus.DefaultConfig().URL {
		line += " --nats " + f.Options.natsURL()
	}
	if file := f.Options.NATS.CredsFile; file != "" {
		line += " " + kube.Quote("--nats-creds", file)
	}
	return line
}

// nats writes a command of NATS's own tool for the same NATS.
func (f *Facts) nats(words string) string {
	line := "nats --server " + f.Options.natsURL()
	if file := f.Options.NATS.CredsFile; file != "" {
		line += " " + kube.Quote("--creds", file)
	}
	return line + " " + kube.Quote(strings.Fields(words)...)
}

// again writes the command that looks at the same once more.
func (f *Facts) again() string {
	o := &f.Options
	line := f.hal9("doctor")
	if o.Asked {
		var doors []string
		for _, address := range o.HTTP {
			doors = append(doors, redactURL(address))
		}
		line += " " + kube.Quote("--http", strings.Join(doors, ","))
	}
	if o.Kubernetes != KubernetesAuto {
		line += " --kubernetes " + o.Kubernetes
	}
	if o.Kubernetes != KubernetesOff {
		line += f.client().Flags()
	}
	return line
}

// kubectl writes a kubectl command for the namespace that was looked at.
func (f *Facts) kubectl(words string) string { return f.client().Command(strings.Fields(words)...) }

// emergency writes a hal9 emergency command for the same cluster.
func (f *Facts) emergency(words string) string { return "hal9 emergency " + words + f.client().Flags() }

// emergencyScale writes one that also shows what waits in NATS.
func (f *Facts) emergencyScale(words string) string {
	return f.hal9("emergency scale "+words) + f.client().Flags()
}

// client is kubectl as the facts used it.
func (f *Facts) client() kube.Client {
	if f.Kubernetes != nil {
		return f.Kubernetes.Client
	}
	return f.Options.Kube
}
