package operational

import (
	"maps"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

const (
	toldMax      = 512  // messages that were news in some partition, the newest
	toldWords    = 64   // of each that are compared
	erringMax    = 1000 // sources whose keys with errors are counted; a quarter is forgotten when there are more
	toldSameness = 4    // one word in so many may differ, as for templates of L2
)

// shared is what the correlator knows of the other partitions, and those of what they told: with one partition there is nothing to know.
// What is news in a partition may be none for the source, and by chance comes what is rare among all that is judged, in whatever partition.
type shared struct {
	told   bool           // this partition has said that it judges something
	others map[int]bool   // partitions that have said so
	news   []toldNews     // in the order in which they came
	erring map[string]int // by source, keys whose first error was told
}

// toldNews is a message that never came before when it came.
type toldNews struct {
	source string
	key    uint64   // hash of the key that it was about
	words  []uint64 // hashes, at most toldWords
}

func newShared() *shared { return &shared{others: map[int]bool{}, erring: map[string]int{}} }

// share makes what the correlator is told with a signal.
func (l *Layer) share(news layers.News) *layers.Share {
	l.shared.told = true
	return &layers.Share{Partition: l.cfg.Partition, Judged: l.absences.pace.rate(), News: news}
}

// hear takes in what came with a signal of another partition, and returns what is news about that. Nothing of it is left in the signal.
func (l *Layer) hear(e *layers.Envelope) layers.News {
	l.judged = l.absences.pace.rate()
	if e.Findings.Evidence == nil || e.Findings.Evidence.Share == nil {
		return 0
	}
	s := *e.Findings.Evidence.Share
	proof := *e.Findings.Evidence
	proof.Share = nil
	e.Findings.Evidence = &proof
	if proof.Flag == "" && proof.Neurons == nil && proof.Baseline == nil && proof.Shadow == nil && proof.Tuning == nil {
		e.Findings.Evidence = nil
	}
	if s.Partition != l.cfg.Partition && s.Partition >= 0 && s.Partition < l.cfg.Partitions {
		l.shared.others[s.Partition] = true
	}
	l.judged = max(s.Judged, 0)
	return s.News
}

// compareNews lowers what is news in its partition to what it would be if there were but one: the first of its kind for its key.
func (l *Layer) compareNews(e *layers.Envelope, news layers.News) {
	if news == 0 || l.cfg.Partitions <= 1 {
		return
	}
	isNews := false
	if news&layers.NewsMessage != 0 {
		isNews = l.shared.tell(short(e.Source), keyName(e), e.Findings.Template)
	}
	reason := ""
	if news&layers.NewsError != 0 && l.shared.err(short(e.Source)) && !isNews {
		isNews, reason = true, "first error of this key: "+headline(e, "no text")
	}
	switch {
	case e.Severity >= layers.SeverityCritical || news&layers.NewsAlone == 0:
	case !isNews:
		e.Findings.Anomaly = l.cfg.joinOnly()
		e.Findings.FlagReason = plain("first of its kind for this key at severity "+e.Severity.String()+": "+headline(e, "a message"), reasonMax)
	case reason != "":
		e.Findings.FlagReason = plain(reason, reasonMax)
	}
}

// err counts one more key of a source with an error, and reports whether that is news.
func (s *shared) err(source string) bool {
	if len(s.erring) >= erringMax && s.erring[source] == 0 {
		for i, name := range slices.Sorted(maps.Keys(s.erring)) {
			if i%4 == 0 {
				delete(s.erring, name)
			}
		}
	}
	s.erring[strings.Clone(source)]++
	return s.erring[source] <= erredNews
}

// tell notes a message that is new in its partition, and reports whether none like it was told. Each partition makes templates of its own:
// the same message may have come with another name first.
func (s *shared) tell(source, key, template string) bool {
	own := toldNews{source: source, key: hashText(key)}
	for word := range strings.FieldsSeq(template) {
		if len(own.words) == toldWords {
			break
		}
		own.words = append(own.words, hashText(word))
	}
	for i := range s.news {
		if s.news[i].is(&own) {
			return false
		}
	}
	if len(s.news) == toldMax {
		s.news = slices.Delete(s.news, 0, toldMax/4)
	}
	own.source = strings.Clone(source)
	s.news = append(s.news, own)
	return true
}

// is reports whether two messages are the same news. About one key L2 has compared them itself.
func (n *toldNews) is(other *toldNews) bool {
	if n.source != other.source || len(n.words) != len(other.words) {
		return false
	}
	if n.key == other.key || len(n.words) == 0 {
		return slices.Equal(n.words, other.words)
	}
	differ := 0
	for i, word := range n.words {
		if word != other.words[i] {
			differ++
		}
	}
	return n.words[0] == other.words[0] && differ <= len(n.words)/toldSameness
}
