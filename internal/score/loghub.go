package score

import (
	"fmt"
	"path/filepath"
	"slices"
)

// Line is a line of a Loghub sample with its true template.
type Line struct{ Content, Event string }

// LoadLoghub reads the samples of a folder by source.
func LoadLoghub(folder string) (map[string][]Line, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*", "*_2k.log_structured.csv"))
	if err != nil {
		return nil, fmt.Errorf("score: Loghub samples in %s: %w", folder, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("score: no Loghub samples in %s: want <source>/<source>_2k.log_structured.csv", folder)
	}
	sources := map[string][]Line{}
	for _, file := range files {
		rows, err := readCSV(file)
		if err != nil {
			return nil, err
		}
		content, event := slices.Index(rows[0], "Content"), slices.Index(rows[0], "EventId")
		if content < 0 || event < 0 {
			return nil, fmt.Errorf("score: %s has no columns Content and EventId", file)
		}
		source := filepath.Base(filepath.Dir(file))
		for _, row := range rows[1:] {
			sources[source] = append(sources[source], Line{row[content], row[event]})
		}
	}
	return sources, nil
}

// GroupingAccuracy is the share of lines whose predicted group, the lines with the same prediction, is their true one.
func GroupingAccuracy(predicted []string, lines []Line) float64 {
	guess, truth := map[string][]int{}, map[string][]int{}
	for i, line := range lines {
		guess[predicted[i]] = append(guess[predicted[i]], i)
		truth[line.Event] = append(truth[line.Event], i)
	}
	right := 0
	for _, group := range guess {
		if slices.Equal(group, truth[lines[group[0]].Event]) {
			right += len(group)
		}
	}
	return float64(right) / float64(len(lines))
}
