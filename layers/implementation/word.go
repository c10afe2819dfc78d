package implementation

import "strings"

// states are the words that say what happened, to what side or with what result. A line with
// another of them is another event, however alike the rest: they are never parameters.
const states = `
up down on off in out yes no true false none null ok okay good bad
start started starting starts startup stop stopped stopping stops shutdown restart restarted restarting
begin began beginning end ended ending finish finished finishing complete completed done
open opened opening opens close closed closing closes
connect connected connecting disconnect disconnected disconnecting reconnect reconnected
success successful successfully succeed succeeded fail failed failing fails failure failures
error errors warning warn info debug fatal critical panic
accept accepted accepting reject rejected rejecting refuse refused allow allowed deny denied
permit permitted grant granted revoke revoked
enable enabled enabling disable disabled disabling active inactive activate activated deactivate deactivated
create created creating delete deleted deleting add added adding remove removed removing
insert inserted update updated updating modify modified change changed
read reading write writing written get got put set send sending sent receive received receiving
request requested response reply upload download import export input output
lock locked unlock unlocked mount mounted unmount unmounted load loaded loading unload unloaded save saved
attach attached detach detached register registered unregister unregistered
allocate allocated free freed acquire acquired release released enter entered leave left join joined
valid invalid known unknown available unavailable found missing present absent expected unexpected
normal abnormal healthy unhealthy ready alive dead running pending waiting blocked killed
abort aborted commit committed rollback retry retrying cancel cancelled canceled timeout expired
high low full empty above below increase increased decrease decreased more less before after first last min max
local remote internal external source destination server client master slave primary secondary leader follower
`

func stateWords() map[string]struct{} {
	words := map[string]struct{}{}
	for word := range strings.FieldsSeq(states) {
		words[word] = struct{}{}
	}
	return words
}

// kind says how far a word may be a parameter.
type kind uint8

const (
	kindName    kind = iota + 1 // anywhere
	kindCapital                 // only where other words were: the names of states are in capitals
	kindState                   // nowhere
)

func kindOf(words map[string]struct{}, token string) kind {
	word := bare(token)
	if _, ok := words[strings.ToLower(word)]; ok {
		return kindState
	}
	if isCapitals(word) {
		return kindCapital
	}
	return kindName
}

// bare is the word in a token: the value of key=value, without what surrounds it.
func bare(token string) string {
	return strings.Trim(token[strings.LastIndexByte(token, '=')+1:], "()[]{}<>\"'`,;:.!?*-_#|/")
}

func isCapitals(word string) bool {
	for i := range len(word) {
		if c := word[i]; (c < 'A' || c > 'Z') && c != '_' {
			return false
		}
	}
	return len(word) >= 2
}
