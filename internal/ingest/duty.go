package ingest

import "strings"

// duty is what a member of an alert is for.
type duty uint8

const (
	dutyNone    duty = iota // nothing known: it belongs to the condition
	dutyState               // whether the condition holds
	dutyName                // what is wrong
	dutyKey                 // its sender's own name for the condition, the same each time
	dutyMark                // belongs to the condition, and to alerts alone
	dutyEntity              // whom it is about
	dutyList                // whom it is about: the first of a list
	dutyGrade               // how bad
	dutyText                // for people
	dutyStart               // since when
	dutyEnd                 // until when
	dutyTime                // when it was said
	dutyKind                // what kind of thing the object is
	dutyPassing             // changes each time, or belongs to the message
	dutyCount
)

// role is the duty of a name, which of several goes first (the lowest), and whether alerts alone have such a member.
type role struct {
	duty duty
	rank uint16
	sure bool
}

// duties are the names by duty, in lower case and without what parts words; those before the bar alerts alone have,
// and of one duty those further left go first. A slash parts a name from that of the object in which it stands.
var duties = [dutyCount]string{
	dutyState: "newstatevalue monitorcondition alerttransition alertstate alarmstate servicestate hoststate notificationtype eventaction eventvalue " +
		"incident/state incident/status alert/status alert/state alarm/state check/status check/state heartbeat/status | " +
		"state/value currentstate messagetype state status transition action event/eventtype eventtype type",
	dutyName: "alertname alarmname alertrule alarm alert alertrule/name alertconditionnames conditionname checkname check/name monitorname monitor/name " +
		"servicedesc triggername trigger rulename metricalert/title | policyname rule/name rule eventname payload/class problem alarmtype",
	dutyKey:  "dedupkey incidentkey originalertid alarmarn alert/alias |",
	dutyMark: "alertid alarmid incidentid triggerid checkid monitorid conditionid alertcyclekey alertpolicynames ruleid problemid heartbeat/monitorid entitydisplayname |",
	dutyEntity: "| instance host hostname host/name checkparams/hostname monitor/hostname node pod device entity/name resourcename resourcedisplayname " +
		"resource/name object/name payload/source entity alert/entity target resource resourceid instanceid component service servicename service/name " +
		"service/summary app application job",
	dutyList: "| configurationitems dimensions impactedentities targets alerttargetids",
	dutyGrade: "| severity perceivedseverity alertseverity eventseverity criticality priority priority/summary alertpriority level alerttype urgency " +
		"eventnseverity importancelevel",
	dutyText: "statemessage alarmdescription | summary description longdescription message additionaltext newstatereason configuration/description " +
		"serviceoutput hostoutput output details body info msg text title subject",
	dutyStart: "| startsat activeat fireddatetime startedat startdate starttime datestarted datedetected createdat created",
	dutyEnd:   "| endsat resolveddatetime endedat canceldate endtime closedat resolvedat",
	dutyTime: "| time timestamp @timestamp ts statechangetime state/timestamp heartbeat/time eventtime occurredat updatedat updatedate lastupdated " +
		"statechangedtimestamp timet clock date",
	dutyKind: "| schemaid detailtype event category",
	dutyPassing: "| id eventid messageid notificationid notificationnumber servicenotificationnumber requestid deliveryid traceid spanid sid signature " +
		"oldstatevalue previousstate laststate reason reasondata eventopdata itemvalue observedvalue value valuestring values current currentvalue " +
		"duration age count occurrences eventdate resourceversion eventupdatestatus token eventid",
}

// wrappers are the objects whose members count as if they were the alert's own; those before the bar alerts alone have.
const wrappers = "incident alert alarm metricalert check heartbeat essentials | data detail event payload monitor checkresult entity metadata resource " +
	"object state service trigger host alertrule configuration priority checkparams tags"

// roles knows the duties of all names, wraps those of objects.
var (
	roles = func() map[string]role {
		known := map[string]role{}
		for d := range dutyCount {
			addRoles(known, d, duties[d])
		}
		return known
	}()
	wraps = func() map[string]role {
		known := map[string]role{}
		addRoles(known, dutyNone, wrappers)
		return known
	}()
)

func addRoles(known map[string]role, d duty, names string) {
	sure, other, _ := strings.Cut(names, "|")
	for _, part := range [...]struct {
		names string
		sure  bool
	}{{sure, true}, {other, false}} {
		for name := range strings.FieldsSeq(part.names) {
			known[name] = role{duty: d, rank: uint16(len(known)), sure: part.sure}
		}
	}
}

// qualified appends a plain name behind that of the object in which it stands.
func qualified(into, within, name []byte) []byte {
	if len(within) == 0 || len(name) == 0 {
		return append(into, name...)
	}
	return append(append(append(into, within...), '/'), name...)
}

// roleOf finds the role of a qualified name, or where it has none, of its last part.
func roleOf(whole, name []byte) role {
	if r, ok := roles[string(whole)]; ok {
		return r
	}
	return roles[string(name)]
}
