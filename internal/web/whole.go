package web

import "fmt"

// wholeView returns the figures of the whole, nil where there is none to show.
func wholeView(w *Whole) []factView {
	if w == nil {
		return nil
	}
	open := "unknown"
	if w.Open != nil {
		open = countText(*w.Open)
	}
	facts := []factView{
		{"Situations open", open, "hal9 tail --kind situations"},
		{"Plans proposed", countText(w.Plans), "hal9 tail --kind plans"},
		{"Dead letters", countText(w.Dead), "hal9 dead ls"},
	}
	if !w.Known {
		for i := range facts {
			facts[i].Value = "unknown"
		}
	}
	return facts
}

// whereText says who works on a layer, and whether nobody does.
func whereText(l LayerStatus, whole bool) (text string, nobody bool) {
	switch {
	case !whole && !l.Running:
		return "not in this process", false
	case !whole && l.Partitions != nil && l.Partitions.All > 1:
		return fmt.Sprintf("%d of %d partitions in this process", l.Partitions.Owned, l.Partitions.All), false
	case !whole:
		return "", false
	case l.Staff == nil:
		return "processes unknown", false
	case l.Staff.Processes == 0:
		return "no process works on it: hal9 run --layer " + l.Layer.String(), true
	}
	text = fmt.Sprintf("%d processes", l.Staff.Processes)
	if l.Staff.Processes == 1 {
		text = "1 process"
	}
	if l.Partitions != nil && l.Partitions.All > 1 {
		text += fmt.Sprintf(", %d of %d partitions owned", l.Partitions.Owned, l.Partitions.All)
	}
	return text, false
}
