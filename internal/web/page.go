package web

import (
	"crypto/sha256"
	_ "embed" // the page's two files
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

func parsePage() (*template.Template, error) {
	page, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("web: index page: %w", err)
	}
	return page, nil
}

// pagePolicy allows the page's own style sheet, named by its hash, and its own icon.
func pagePolicy() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// view is what the page's template shows, all of it ready to print.
type view struct {
	Style   template.CSS
	Version string
	Commit  string
	Started string // RFC 3339
	Uptime  string
	NATS    natsBody
	Ready   bool
	Failing []Check
	Doors   bool
	Whole   []factView // nil where this process shows itself
	Host    string     // as the reader reached this server
	Layers  []layerView
	Goals   []goalView
}

// factView is a figure of the whole.
type factView struct{ Name, Value, Hint string }

// goalView is one objective on the page.
type goalView struct {
	Name, Target, Window, Counts, Budget, Burn string
	Firing                                     string // "" where no alert does
	Spent                                      bool
}

// layerView is one layer on the page.
type layerView struct {
	Name        string
	Title       string
	Asks        string
	Running     bool
	Where       string // who works on it; "" where that is this process and there is no more to say
	Nobody      bool   // no process does
	Depth       string
	Age         string // "" where nothing waits or nothing is known
	In          string
	Out         string
	Compression string
	Parts       []partView
}

// partView is one disposition's share of a layer's signals. X and Width are hundredths of
// the bar.
type partView struct {
	Name  string
	Count string
	X     string
	Width string
}

func (s *Server) view(r *http.Request) view {
	st, checks := s.look(r)
	v := view{
		Style:   template.CSS(pageCSS), //nolint:gosec // It is this package's own file.
		Version: st.Version, Commit: st.Commit,
		Started: st.StartedAt.UTC().Format(time.RFC3339),
		Uptime:  durationText(s.deps.Now().Sub(st.StartedAt)),
		NATS:    natsBody{URL: st.NATSURL, Connected: st.NATSConnected},
		Ready:   passed(checks), Doors: s.deps.Intake != nil, Host: r.Host,
	}
	for _, c := range checks {
		if !c.OK {
			v.Failing = append(v.Failing, c)
		}
	}
	v.Whole = wholeView(st.Whole)
	for _, l := range st.Layers {
		layer := newLayerView(l)
		layer.Where, layer.Nobody = whereText(l, st.Whole != nil)
		v.Layers = append(v.Layers, layer)
	}
	for i := range st.Objectives {
		v.Goals = append(v.Goals, newGoalView(&st.Objectives[i]))
	}
	return v
}

func newGoalView(o *Objective) goalView {
	v := goalView{
		Name: o.Name, Target: strconv.FormatFloat(100*o.Target, 'f', -1, 32) + "\u202f%",
		Window: strings.TrimSuffix(durationText(time.Duration(o.WindowUS)*time.Microsecond), " 0 h"),
		Counts: countText(o.Good) + " of " + countText(o.Total), Budget: "no data yet", Burn: "–",
		Firing: strings.Join(o.Firing, ", "),
	}
	if o.Total > 0 {
		v.Budget = strconv.FormatFloat(100*o.Remaining, 'f', 1, 64) + "\u202f%"
		v.Burn = strconv.FormatFloat(o.BurnRate, 'f', 2, 64) + "×"
		v.Spent = o.Remaining <= 0
	}
	return v
}

func newLayerView(l LayerStatus) layerView {
	v := layerView{
		Name: l.Layer.String(), Title: l.Layer.Title(), Asks: question(l.Layer), Running: l.Running,
		Depth: "unknown", In: countText(l.in()), Out: countText(l.out()), Compression: "–",
	}
	if l.Queue != nil {
		v.Depth = countText(l.Queue.Depth)
		if l.Queue.Depth > 0 {
			v.Age = durationText(l.Queue.OldestAge)
		}
	}
	if ratio, ok := l.compression(); ok {
		v.Compression = strconv.FormatFloat(ratio, 'f', 1, 64) + "\u202f:\u202f1"
	}
	x, total := 0.0, float64(max(l.in(), 1))
	for _, d := range layers.Dispositions() {
		width := 100 * float64(l.Signals[d]) / total
		v.Parts = append(v.Parts, partView{
			Name: d.String(), Count: countText(l.Signals[d]),
			X: strconv.FormatFloat(x, 'f', 3, 64), Width: strconv.FormatFloat(width, 'f', 3, 64),
		})
		x += width
	}
	return v
}

// question is what a layer asks of every signal.
func question(layer layers.Name) string {
	switch layer {
	case layers.NameL1:
		return "Have I an answer already?"
	case layers.NameL2:
		return "What is this?"
	case layers.NameL3:
		return "Is this normal for this key, now?"
	case layers.NameL4:
		return "What do we do?"
	case layers.NameL5:
		return "Are we meeting our goals?"
	default:
		return ""
	}
}

// countText groups digits by three: 1 234 567.
func countText(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// durationText says a duration as people do, in its two largest units.
func durationText(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
	}
}
