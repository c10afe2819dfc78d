package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// role is what a column of a CSV file says about a signal.
type role uint8

// Roles. Columns without one become labels.
const (
	roleLabel role = iota + 1
	roleSkip
	roleTime
	roleDate // half of a time; the other half is roleTime
	roleValue
	roleText
	roleSeverity
	roleID
	roleKey
	roleSource
	roleType
)

// roleName is a role with the names of its columns.
type roleName struct {
	role  role
	names []string
}

// roleNames are the names that columns with a role have, the one that goes first first. They are
// those that HAL9 recognises in JSON, and what NAB, Loghub and spreadsheets use.
var roleNames = []roleName{
	{roleTime, []string{"timestamp", "@timestamp", "datetime", "time", "date", "ts"}},
	{roleValue, []string{"value"}},
	{roleText, []string{"message", "msg", "content", "text", "log"}},
	{roleSeverity, []string{"severity", "level", "severity_text", "loglevel", "lvl"}},
	{roleID, []string{"id"}},
	{roleKey, []string{"key", "subject"}},
	{roleSource, []string{"source"}},
	{roleType, []string{"type"}},
}

// columns say how rows become signals.
type columns struct {
	names []string
	roles []role
}

// newColumns reads the header row.
func newColumns(header []string) (*columns, error) {
	c := &columns{names: make([]string, len(header)), roles: make([]role, len(header))}
	lower := make([]string, len(header))
	for i, name := range header {
		c.names[i] = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		c.roles[i] = roleLabel
		if lower[i] = strings.ToLower(c.names[i]); c.names[i] == "" {
			c.roles[i] = roleSkip
		}
	}
	for _, r := range roleNames {
		for _, name := range r.names {
			if at := slices.Index(lower, name); at >= 0 {
				c.roles[at] = r.role
				break
			}
		}
	}
	c.pairDateAndTime(lower)
	c.keepLoghubIDs(lower)
	if !slices.ContainsFunc(c.roles, func(r role) bool { return r == roleTime || r == roleValue || r == roleText || r == roleSeverity }) {
		return nil, fmt.Errorf("the first row, %q, names no column that HAL9 knows; want one of timestamp, value, message, severity and their like",
			clip(strings.Join(header, ","), 80))
	}
	return c, nil
}

// pairDateAndTime has both halves read where a date column stands beside one for the time of
// day.
func (c *columns) pairDateAndTime(lower []string) {
	date, clock := slices.Index(lower, "date"), slices.Index(lower, "time")
	if date >= 0 && clock >= 0 && c.roles[clock] == roleTime {
		c.roles[date] = roleDate
	}
}

// keepLoghubIDs keeps what Loghub calls Id a label: its rows are told apart by LineId, which
// says what the line's number says.
func (c *columns) keepLoghubIDs(lower []string) {
	line := slices.Index(lower, "lineid")
	if line < 0 {
		return
	}
	c.roles[line] = roleSkip
	if id := slices.Index(lower, "id"); id >= 0 {
		c.roles[id] = roleLabel
	}
}

// times returns what a row says about its time, "" where it says nothing.
func (c *columns) times(row []string) string {
	text := ""
	for _, want := range []role{roleDate, roleTime} {
		if at := slices.Index(c.roles, want); at >= 0 {
			text = strings.TrimSpace(text + " " + strings.TrimSpace(row[at]))
		}
	}
	return text
}

// dropTimes makes labels of the columns for the time, and returns their names.
func (c *columns) dropTimes() string {
	var names []string
	for i, r := range c.roles {
		if r == roleTime || r == roleDate {
			c.roles[i] = roleLabel
			names = append(names, c.names[i])
		}
	}
	return strings.Join(names, " and ")
}

// object makes a row into the JSON object that says the same. Empty cells say nothing. What
// becomes a label stands beside the labels, too: columns such as host tell the entity there.
func (c *columns) object(row []string) ([]byte, error) {
	if len(row) != len(c.roles) {
		return nil, fmt.Errorf("the row has %d cells; want %d as in the first row", len(row), len(c.roles))
	}
	object, labels := map[string]any{}, map[string]string{}
	for i, r := range c.roles {
		text := strings.TrimSpace(row[i])
		switch {
		case text == "":
		case r == roleLabel:
			labels[c.names[i]] = text
			if name := strings.ToLower(c.names[i]); !hasRole(name) {
				object[name] = text
			}
		case r == roleValue:
			number, err := finite(text)
			if err != nil {
				return nil, fmt.Errorf("column %q: %w", c.names[i], err)
			}
			object["value"] = number
		default:
			if name := roleField(r); name != "" {
				object[name] = text
			}
		}
	}
	if text := c.times(row); text != "" {
		object["time"] = text
	}
	if len(labels) > 0 {
		object["labels"] = labels
	}
	return json.Marshal(object)
}

// hasRole reports whether columns of a name can have a role.
func hasRole(name string) bool {
	return slices.ContainsFunc(roleNames, func(r roleName) bool { return slices.Contains(r.names, name) })
}

// roleField is the member of a JSON object that says what a column says; "" for those that
// are read otherwise.
func roleField(r role) string {
	switch r {
	case roleText:
		return "message"
	case roleSeverity:
		return "severity"
	case roleID:
		return "id"
	case roleKey:
		return "key"
	case roleSource:
		return "source"
	case roleType:
		return "type"
	default:
		return ""
	}
}

func finite(text string) (json.Number, error) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(value, 0) || math.IsNaN(value) {
		return "", errors.New(strconv.Quote(clip(text, 40)) + " is no finite number")
	}
	return json.Number(strconv.FormatFloat(value, 'g', -1, 64)), nil
}
