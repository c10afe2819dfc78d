package emergency

// Summary is an emergency for programs.
type Summary struct {
	DryRun   bool       `json:"dry_run"`
	Record   string     `json:"record"` // file
	Script   string     `json:"script"` // file
	Layers   []Outcome  `json:"layers"`
	Warnings []string   `json:"warnings"`
	Steps    []Step     `json:"steps,omitempty"` // what was done
	Progress []Progress `json:"progress,omitempty"`
}

// Outcome is a layer's part.
type Outcome struct {
	Row

	Idle    string   `json:"idle,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	Changes []Change `json:"changes"`
}

// Summarize returns what was done, or would be.
func Summarize(d *Draft, done []Step, last []Progress, dryRun bool) Summary {
	s := Summary{DryRun: dryRun, Record: d.Path, Script: ScriptPath(d.Path), Warnings: d.Warnings, Steps: done, Progress: last}
	for i := range d.Plans {
		p := &d.Plans[i]
		s.Layers = append(s.Layers, Outcome{Row: p.Row(), Idle: p.Idle, Notes: p.Notes, Changes: p.Record.Changes})
	}
	return s
}
