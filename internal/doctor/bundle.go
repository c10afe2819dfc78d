package doctor

import (
	"archive/tar"
	stdbytes "bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Bundle is all that somebody else needs to help, with what looks like a secret taken out.
type Bundle struct {
	Report *Report
	Facts  *Facts
	Config []byte            // hal9.yaml as it stands; may be nil
	Extra  map[string]string // further files, by name
}

// Write writes the bundle as a gzipped tar file. Every file in it lies in one folder.
func (b *Bundle) Write(w io.Writer) (err error) {
	files, err := b.files()
	if err != nil {
		return err
	}
	packed := gzip.NewWriter(w)
	archive := tar.NewWriter(packed)
	defer func() {
		if err = errors.Join(err, archive.Close(), packed.Close()); err != nil {
			err = fmt.Errorf("doctor: write the bundle: %w", err)
		}
	}()
	folder := "hal9-doctor-" + b.Report.At.UTC().Format("20060102T150405Z") + "/"
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		header := &tar.Header{Name: folder + name, Mode: 0o644, Size: int64(len(data)), ModTime: b.Report.At.Truncate(time.Second)}
		if strings.HasSuffix(name, ".sh") {
			header.Mode = 0o755
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.WriteString(archive, data); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bundle) files() (map[string]string, error) {
	var text stdbytes.Buffer
	if err := Text(&text, b.Report, Style{All: true, Width: 120}); err != nil {
		return nil, err
	}
	report, err := indented(b.Report)
	if err != nil {
		return nil, err
	}
	facts, err := indented(b.Facts)
	if err != nil {
		return nil, err
	}
	files := map[string]string{
		"README.txt":  readme,
		"report.txt":  text.String(),
		"report.json": report,
		"facts.json":  facts,
		"recovery.sh": Script(b.Report),
	}
	if b.Config != nil {
		files["hal9.yaml"] = string(b.Config)
	}
	maps.Copy(files, b.Extra)
	for name, text := range files {
		files[name] = redact(text)
	}
	return files, nil
}

func indented(value any) (string, error) {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return "", fmt.Errorf("doctor: %w", err)
	}
	return string(data) + "\n", nil
}

const readme = `What hal9 doctor saw, for somebody who was not there.

report.txt    what is wrong, how it is known, what helps
report.json   the same for programs
facts.json    all that the report follows from: streams, consumers, processes
recovery.sh   the steps, of which only those that look are not commented out
hal9.yaml     the configuration
kubernetes/   objects, pods and the last lines of their logs

Passwords, tokens and the paths of addresses are taken out as [redacted]. Look through
it all the same before you send it: keys of signals and texts of logs are in it.
`
