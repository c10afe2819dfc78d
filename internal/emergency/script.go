package emergency

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/kube"
)

// Script returns the way back as a shell script of kubectl commands, for whoever has no hal9. Run twice it does the
// same again; an object that is gone stops nothing.
func Script(r *Record, c kube.Client) string {
	c.Context = r.Place.Context
	var b strings.Builder
	fmt.Fprintf(&b, `#!/bin/sh
# The way back from hal9 emergency scale: gives back the fields that it changed, and no others.
# Cluster %s (%s), namespace %s.
# The same, with a look at what changed meanwhile: hal9 emergency restore
failed=0
`, printable(r.Place.Cluster), printable(r.Place.Server), printable(r.Place.Namespace))
	for i := range r.Layers {
		l := &r.Layers[i]
		fmt.Fprintf(&b, "\n# %s: %d replicas since %s, by %s; to be taken back by %s\n",
			printable(l.Layer), l.Replicas, l.At.UTC().Format(time.RFC3339), printable(l.By), l.Until.UTC().Format(time.RFC3339))
		for j := range l.Changes {
			change := &l.Changes[j]
			for _, f := range change.Fields {
				fmt.Fprintf(&b, "#   %s\n", printable(fmt.Sprintf("%s %s: %s -> %s", change.Name, f.Name(), f.After, f.Before)))
			}
			args := []string{"patch", string(change.Kind), change.Name, "--type", "merge", "--patch", change.back("")}
			fmt.Fprintf(&b, "%s || failed=1\n", c.Command(args...))
		}
	}
	b.WriteString("\n[ \"$failed\" = 0 ] && echo 'everything is as it was' || { echo 'not everything could be given back, see above' >&2; exit 1; }\n")
	return b.String()
}

// printable keeps a text on its line.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '.'
		}
		return r
	}, text)
}

// back returns the patch that gives back what was before; revision is that of the object that it is for, "" for any.
func (c *Change) back(revision string) string {
	var sets []set
	for _, f := range c.Fields {
		sets = append(sets, set{f.Path, f.Before})
	}
	if c.Marked {
		sets = append(sets, set{annotation(AnnotationUntil), Absent}, set{annotation(AnnotationRecord), Absent})
	}
	return patch(revised(sets, revision))
}

// forth returns the patch that does the change to an object as it stands. What has become higher since it was looked at
// is not taken down.
func (c *Change) forth(l *LayerRecord, note Value, object *kube.Object, revision string) string {
	var sets []set
	for _, f := range c.Fields {
		if !higher(value(object.Raw, f.Path), f.After) {
			sets = append(sets, set{f.Path, f.After})
		}
	}
	if c.Marked {
		sets = append(sets, set{annotation(AnnotationUntil), text(l.Until.UTC().Format(time.RFC3339))}, set{annotation(AnnotationRecord), note})
	}
	return patch(revised(sets, revision))
}

// higher reports whether both values are numbers, and the first is the larger one.
func higher(a, b Value) bool {
	x, errX := strconv.Atoi(string(a))
	y, errY := strconv.Atoi(string(b))
	return errX == nil && errY == nil && x > y
}

// revised has a patch refused where the object is another by then.
func revised(sets []set, revision string) []set {
	if revision == "" {
		return sets
	}
	return append(sets, set{[]string{"metadata", "resourceVersion"}, text(revision)})
}
