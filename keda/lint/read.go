package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"go.yaml.in/yaml/v3"
	kubejson "sigs.k8s.io/json"
)

// Bounds of what is read: generated files are long, and rubbish must not eat the memory.
const (
	MaxBytes     = 8 << 20 // of one file
	maxDocuments = 10_000  // in one file
)

// read returns the objects in a file, and what keeps it from being read.
func read(file Source) (set []*subject, findings []Finding) {
	fault := func(line int, what, why string) {
		findings = append(findings, Finding{
			File: file.Name, Line: max(1, line), Severity: SeverityError, Rule: "yaml", What: what, Why: why,
			Do: "Correct the file; `kubectl apply --dry-run=client -f` names the same place.",
		})
	}
	if len(file.Data) > MaxBytes {
		fault(1, fmt.Sprintf("the file has %d bytes", len(file.Data)), fmt.Sprintf("At most %d are read.", MaxBytes))
		return nil, findings
	}
	decoder := yaml.NewDecoder(bytes.NewReader(file.Data))
	for range maxDocuments {
		var root yaml.Node
		err := decoder.Decode(&root)
		if errors.Is(err, io.EOF) {
			return set, findings
		}
		if err != nil {
			fault(lineIn(err), "no YAML: "+strings.TrimPrefix(err.Error(), "yaml: "), "Nothing behind this place was looked at.")
			return set, findings
		}
		if len(root.Content) == 1 {
			more, found := objects(file.Name, root.Content[0], 0)
			set, findings = append(set, more...), append(findings, found...)
		}
	}
	fault(1, fmt.Sprintf("more than %d documents", maxDocuments), "What comes behind them was not looked at.")
	return set, findings
}

// lineIn returns the line that an error of the YAML reader names, or 0.
func lineIn(err error) int {
	var line int
	if _, rest, ok := strings.Cut(err.Error(), "line "); ok {
		_, _ = fmt.Sscanf(rest, "%d", &line) // 0 where there is no number
	}
	return line
}

// objects returns the object that a node is, or those of a List.
func objects(file string, node *yaml.Node, depth int) (set []*subject, findings []Finding) {
	if node.Kind != yaml.MappingNode || depth > 3 {
		return nil, nil
	}
	s := &subject{
		file: file, node: node, kind: text(node, "kind"), name: text(node, "metadata.name"), namespace: text(node, "metadata.namespace"),
	}
	if items := at(node, "items"); items != nil && items.Kind == yaml.SequenceNode && strings.HasSuffix(s.kind, "List") {
		for _, item := range items.Content {
			more, found := objects(file, item, depth+1)
			set, findings = append(set, more...), append(findings, found...)
		}
		return set, findings
	}
	switch s.kind {
	case "ScaledObject":
		findings = s.decode()
		s.target = reference(node, "spec.scaleTargetRef")
	case "HorizontalPodAutoscaler":
		s.target = reference(node, "spec.scaleTargetRef")
	case "Deployment", "StatefulSet":
		s.target = s.kind + "/" + s.name
	default:
		return nil, nil
	}
	return []*subject{s}, findings
}

// reference returns kind/name of what a scaleTargetRef names.
func reference(node *yaml.Node, path string) string {
	kind := text(node, path+".kind")
	if kind == "" {
		kind = "Deployment" // as KEDA has it
	}
	return kind + "/" + text(node, path+".name")
}

// decode reads a ScaledObject into KEDA's own type.
func (s *subject) decode() []Finding {
	fault := func(rule, path, what, why, do string) []Finding {
		return []Finding{s.finding(SeverityError, rule, path, advice{why, do}, what)}
	}
	if version := text(s.node, "apiVersion"); version != keda.SchemeGroupVersion.String() {
		return fault("api-version", "apiVersion", fmt.Sprintf("apiVersion %q", version),
			"KEDA 2 knows "+keda.SchemeGroupVersion.String()+" alone, and the API server refuses what it does not know.",
			"Write apiVersion: "+keda.SchemeGroupVersion.String()+".")
	}
	var value map[string]any
	if err := s.node.Decode(&value); err != nil {
		return fault("yaml", "", "unreadable: "+strings.TrimPrefix(err.Error(), "yaml: "), "The API server would not take it.", "Correct it.")
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fault("yaml", "", "not expressible in JSON: "+err.Error(), "The API server reads YAML as JSON.", "Use text keys and finite numbers.")
	}
	var so keda.ScaledObject
	strict, err := kubejson.UnmarshalStrict(data, &so)
	if err != nil {
		return fault("schema", fieldIn(err), "wrong type: "+strings.TrimPrefix(err.Error(), "json: "), "The API server refuses it.", "Give the type that `kubectl explain scaledobject.spec --recursive` names.")
	}
	s.scaled = &so
	var findings []Finding
	for _, err := range strict {
		path := fieldIn(err)
		findings = append(findings, fault("schema", path, err.Error(),
			"The API server drops fields that KEDA's schema does not have, without a word: the value never arrives.",
			"Correct the name; `kubectl explain scaledobject.spec --recursive` lists them all.")...)
	}
	return findings
}

// fieldIn returns the path of the field that an error is about, or "".
func fieldIn(err error) string {
	if field, ok := err.(interface{ FieldPath() string }); ok {
		return field.FieldPath()
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return wrong.Field
	}
	return ""
}
