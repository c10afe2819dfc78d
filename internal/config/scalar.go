package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

func isScalar(into reflect.Value) bool {
	if _, ok := reflect.TypeAssert[encoding.TextUnmarshaler](into.Addr()); ok {
		return true
	}
	kind := into.Kind()
	return kind == reflect.String || kind == reflect.Float64 || kind == reflect.Int || kind == reflect.Int64 || kind == reflect.Bool
}

// decodeScalar writes a single value: text, a number, a boolean, a duration, or a type of its own that
// reads itself from text.
func (d *decoder) decodeScalar(n *yaml.Node, path string, into reflect.Value) {
	if n.Kind == yaml.ScalarNode && n.Style&yaml.TaggedStyle != 0 {
		d.report(n, path, "YAML reads %s as a tag: put text that begins with ! in quotes", shorten(n.Tag))
		return
	}
	if _, ok := reflect.TypeAssert[*time.Duration](into.Addr()); ok {
		d.decodeDuration(n, path, into)
		return
	}
	if into.Kind() == reflect.Float64 {
		d.decodeNumber(n, path, into)
		return
	}
	if into.Kind() == reflect.Bool {
		d.decodeBool(n, path, into)
		return
	}
	if into.Kind() == reflect.Int {
		d.decodeWhole(n, path, into)
		return
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		d.report(n, path, "want text, not %s%s", describe(n), inQuotes(n))
		return
	}
	unmarshaler, ok := reflect.TypeAssert[encoding.TextUnmarshaler](into.Addr())
	if !ok {
		into.SetString(n.Value)
		return
	}
	if err := unmarshaler.UnmarshalText([]byte(n.Value)); err != nil {
		d.report(n, path, "%s", withoutPackage(err.Error()))
	}
}

func (d *decoder) decodeDuration(n *yaml.Node, path string, into reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.report(n, path, "want a duration such as 5m, not %s", describe(n))
		return
	}
	parsed, err := parseDuration(n.Value)
	if err != nil {
		d.report(n, path, "%s", err)
		return
	}
	into.SetInt(int64(parsed))
}

func (d *decoder) decodeNumber(n *yaml.Node, path string, into reflect.Value) {
	tag := n.ShortTag()
	number, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind != yaml.ScalarNode || (tag != "!!float" && tag != "!!int") || err != nil {
		d.report(n, path, "want a number such as 0.999, not %s", describe(n))
		return
	}
	into.SetFloat(number)
}

func (d *decoder) decodeWhole(n *yaml.Node, path string, into reflect.Value) {
	number, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil {
		d.report(n, path, "want a whole number such as 3, not %s", describe(n))
		return
	}
	into.SetInt(int64(number))
}

func (d *decoder) decodeBool(n *yaml.Node, path string, into reflect.Value) {
	value, err := strconv.ParseBool(n.Value)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || err != nil {
		d.report(n, path, "want true or false, not %s", describe(n))
		return
	}
	into.SetBool(value)
}

// describe names what stands in the file in words.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.AliasNode:
		return "an alias"
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	}
	value := shorten(n.Value)
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "the boolean " + value
	case "!!int", "!!float":
		return "the number " + value
	case "!!timestamp":
		return "the date " + value
	}
	return fmt.Sprintf("the text %q", value)
}

// inQuotes says how to write a value that YAML does not take for text.
func inQuotes(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.ScalarNode:
		return fmt.Sprintf(": put it in quotes, as in '%s'", shorten(n.Value))
	case n.Style&yaml.FlowStyle != 0:
		return ": put text that begins with [ or { in quotes"
	}
	return ""
}
