package layers

// Evidence says what a verdict rests on, beyond its reason: the neurons that fired and on which features, and the
// baseline that the signal left. It is nil where there is nothing to say.
type Evidence struct {
	Flag     string           `json:"flag,omitempty"`     // L3: why the signal was flagged
	Neurons  []FiredNeuron    `json:"neurons,omitempty"`  // L2
	Baseline *JudgedBaseline  `json:"baseline,omitempty"` // L3
	Shadow   []string         `json:"shadow,omitempty"`   // what a tuning that is only shown would change
	Tuning   map[string]int64 `json:"tuning,omitempty"`   // versions of the tunings that a layer decided with; none where they are 0
	Share    *Share           `json:"share,omitempty"`    // L3: for the partition that correlates; no verdict has it
}

// Share is what a partition of L3 tells the one that correlates, with a signal that it hands to it.
type Share struct {
	Partition int     `json:"partition"`
	Judged    float64 `json:"judged"`         // signals that the partition judges in an hour
	News      News    `json:"news,omitempty"` // what is news in the partition
}

// News says in which way a signal is the first of its kind, as far as one partition knows.
type News uint8

// What is news. These are bits.
const (
	NewsMessage News = 1 << iota // no message like it came from its source
	NewsError                    // its key had no error
	NewsAlone                    // nothing but that flags it
)

// Tune notes with which version of its tuning a layer decided.
func (e *Evidence) Tune(layer Name, version int64) {
	if e.Tuning == nil {
		e.Tuning = make(map[string]int64, 1)
	}
	e.Tuning[layer.String()] = version
}

// FiredNeuron is a neuron that fired.
type FiredNeuron struct {
	Name       string   `json:"name"`
	Label      string   `json:"label"`
	Activation float64  `json:"activation"` // sum of the weights of what is in the signal
	Threshold  float64  `json:"threshold"`
	Features   []string `json:"features"` // that are in the signal, the heaviest first; at most five
}

// JudgedBaseline is what a baseline expected, and what came instead.
type JudgedBaseline struct {
	Series   string  `json:"series"`          // what is measured: "value", a feature, or "rate" of a message
	Detector string  `json:"detector"`        // level, jump, shift, season, spread or burst
	Value    float64 `json:"value"`           // what came
	Usual    float64 `json:"usual"`           // the level: the median, or the mean of a rate
	Low      float64 `json:"low"`             // between low and high it usually lies
	High     float64 `json:"high"`            //
	Hour     float64 `json:"hour,omitempty"`  // the mean at this hour of the day, where days have taught one
	Habit    bool    `json:"habit,omitempty"` // so it was about this time on each of the last two days
	Samples  float64 `json:"samples"`         // that the baseline rests on
	Surprise float64 `json:"surprise"`        // -log10 of the probability
	Score    float64 `json:"score"`           // the same as an anomaly, 0..1
	Limit    float64 `json:"limit"`           // the score from which it is flagged
	Worth    float64 `json:"worth,omitempty"` // the surprise as it counts for opening a situation, by how often the series was so before; not for rates
}
