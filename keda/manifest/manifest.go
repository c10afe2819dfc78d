package manifest

import (
	"fmt"
	"strings"
)

// File is one rendered file.
type File struct {
	Name string // without folder, such as l3.yaml
	Data []byte
}

// Render returns the files of a folder that `kubectl apply -k` takes and other kustomizations name as a resource.
func Render(s Settings) ([]File, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = s.withDefaults()
	var files []File
	if s.Connections > 0 {
		d := webObject(&s)
		data, err := d.encode()
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: "web.yaml", Data: append([]byte(header), data...)})
	}
	for i := range s.Layers {
		d := scaledObject(&s, &s.Layers[i])
		data, err := d.encode()
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: strings.ToLower(s.Layers[i].Name.String()) + ".yaml", Data: append([]byte(header), data...)})
	}
	return append(files, kustomization(files)), nil
}

// header stands above each file.
const header = "# Rendered by `hal9-keda render`: change its settings, not this file.\n"

func kustomization(files []File) File {
	var text strings.Builder
	text.WriteString(header + "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n")
	for _, f := range files {
		fmt.Fprintf(&text, "  - %s\n", f.Name)
	}
	return File{Name: "kustomization.yaml", Data: []byte(text.String())}
}
