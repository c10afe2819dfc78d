package ingest

import "time"

// alertSource is the source of all alerts: their senders are told apart by labels, and a
// source of its own per Prometheus server would make many.
const alertSource = "alertmanager"

// AlertmanagerWebhook decodes the body of Alertmanager's webhook, version 4, and that of
// Grafana's, which has the same shape and says version 1. Each alert is a signal with an
// id of its own: repeated notifications are told apart here and suppressed in L1. Errors
// are as for Body.
func (d *Decoder) AlertmanagerWebhook(body []byte, now time.Time) ([]Item, error) {
	body = clean(body)
	if err := checkUTF8(body); err != nil {
		return nil, err
	}
	var room [roomMembers]member
	members, err := scanObject(body, room[:0])
	if err != nil {
		return nil, err
	}
	var alerts *member
	for i := range members {
		switch m := &members[i]; string(m.name) {
		case "version":
			if version := m.text(); version != "4" && version != "1" {
				return nil, &fieldError{field: "version", problem: quote(version) + " is not supported", want: `"4"`}
			}
		case "alerts":
			alerts = m
		}
	}
	if alerts == nil || alerts.kind != kindArray {
		return nil, &fieldError{field: "alerts", problem: "is missing", want: "an array of alerts"}
	}
	return d.alerts(alerts.raw, now)
}

// AlertmanagerAlerts decodes the body of POST /api/v2/alerts, which Prometheus sends to
// its Alertmanagers. An alert whose endsAt is not in the future is resolved. Errors are as
// for Body.
func (d *Decoder) AlertmanagerAlerts(body []byte, now time.Time) ([]Item, error) {
	body = clean(body)
	if err := checkUTF8(body); err != nil {
		return nil, err
	}
	return d.alerts(body, now)
}

func (d *Decoder) alerts(array []byte, now time.Time) ([]Item, error) {
	return d.array(array, d.alertItem, &origin{source: alertSource, time: now})
}

// alertItem reads one alert.
func (d *Decoder) alertItem(raw []byte, o *origin) (Item, error) {
	var room [roomMembers]member
	members, err := scanObject(raw, room[:0])
	if err != nil {
		return Item{}, err
	}
	p := pick(members)
	if m, ok := p.strange(fieldLabels); ok {
		return Item{}, &fieldError{field: "labels", problem: "is " + m.kind.String(), want: "an object"}
	}
	s := draft{}
	if m, ok := p.get(fieldLabels); ok {
		if s.Labels, err = parseLabels(m.raw); err != nil {
			return Item{}, err
		}
	}
	if len(s.Labels) == 0 {
		return Item{}, &fieldError{field: "labels", problem: "there are none", want: "at least one, such as alertname"}
	}
	if err := s.alert(&p, o.time); err != nil {
		return Item{}, err
	}
	s.Data = raw
	return d.finish(&s, o)
}
