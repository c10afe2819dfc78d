package ingest

import (
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// senders are alerts as their senders' documentation has them: one that fires, the same again some time later, and its
// end.
var senders = []struct {
	name                    string
	fires, again, ends      string
	key, title              string
	severity                layers.Severity
	firesAt, againAt, endAt string // "" where the sender says nothing of it
}{
	{
		name: "CloudWatch to EventBridge", key: "ServerCpuTooHigh", title: "ServerCpuTooHigh",
		fires: `{"version":"0","id":"c4c1c1c9-1","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":"123456789012","time":"2019-10-02T17:04:40Z","region":"us-east-1",
			"resources":["arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"],"detail":{"alarmName":"ServerCpuTooHigh","configuration":{"description":"Goes into alarm when server CPU utilization is too high!",
			"metrics":[{"id":"m1","metricStat":{"metric":{"dimensions":{"InstanceId":"i-12345678901234567"},"name":"CPUUtilization","namespace":"AWS/EC2"},"period":300,"stat":"Average"},"returnData":true}]},
			"previousState":{"reason":"Threshold Crossed: 1 out of the last 1 datapoints [0.0666851903306472 (01/10/19 13:46:00)] was not greater than the threshold (50.0)","timestamp":"2019-10-01T13:56:40.985+0000","value":"OK"},
			"state":{"reason":"Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 (02/10/19 16:59:00)] was greater than the threshold (50.0)","timestamp":"2019-10-02T17:04:40.989+0000","value":"ALARM"}}}`,
		again: `{"version":"0","id":"c4c1c1c9-2","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":"123456789012","time":"2019-10-02T18:04:40Z","region":"us-east-1",
			"resources":["arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"],"detail":{"alarmName":"ServerCpuTooHigh","configuration":{"description":"Goes into alarm when server CPU utilization is too high!",
			"metrics":[{"id":"m1","metricStat":{"metric":{"dimensions":{"InstanceId":"i-12345678901234567"},"name":"CPUUtilization","namespace":"AWS/EC2"},"period":300,"stat":"Average"},"returnData":true}]},
			"previousState":{"reason":"x","timestamp":"2019-10-02T17:04:40.989+0000","value":"ALARM"},"state":{"reason":"Threshold Crossed: 97.1","timestamp":"2019-10-02T18:04:40.989+0000","value":"ALARM"}}}`,
		ends: `{"version":"0","id":"c4c1c1c9-3","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":"123456789012","time":"2019-10-02T19:04:40Z","region":"us-east-1",
			"resources":["arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"],"detail":{"alarmName":"ServerCpuTooHigh","configuration":{"description":"Goes into alarm when server CPU utilization is too high!",
			"metrics":[{"id":"m1","metricStat":{"metric":{"dimensions":{"InstanceId":"i-12345678901234567"},"name":"CPUUtilization","namespace":"AWS/EC2"},"period":300,"stat":"Average"},"returnData":true}]},
			"previousState":{"reason":"x","timestamp":"2019-10-02T17:04:40.989+0000","value":"ALARM"},"state":{"reason":"not greater","timestamp":"2019-10-02T19:04:40.989+0000","value":"OK"}}}`,
		firesAt: "2019-10-02T17:04:40Z", againAt: "2019-10-02T18:04:40Z", endAt: "2019-10-02T19:04:40Z",
	},
	{
		name: "CloudWatch to SNS", key: "try.alerta.io", title: "bucketbytesAlarm",
		fires: `{"Type":"Notification","MessageId":"e288882d","TopicArn":"arn:aws:sns:eu-west-1:1234567890:alerts","Subject":"ALARM: \"bucketbytesAlarm\" in EU (Ireland)",
			"Message":"{\"AlarmName\":\"bucketbytesAlarm\",\"AlarmDescription\":\"bucket bytes size exceeded\",\"AWSAccountId\":\"1234567890\",\"NewStateValue\":\"ALARM\",\"NewStateReason\":\"Threshold Crossed: 1 datapoint [1062305.0 (14/02/19 23:53:00)]\",\"StateChangeTime\":\"2019-02-15T23:53:45.093+0000\",\"Region\":\"EU (Ireland)\",\"OldStateValue\":\"INSUFFICIENT_DATA\",\"Trigger\":{\"MetricName\":\"BucketSizeBytes\",\"Namespace\":\"AWS/S3\",\"Dimensions\":[{\"value\":\"try.alerta.io\",\"name\":\"BucketName\"}],\"Period\":86400,\"Threshold\":0.0}}",
			"Timestamp":"2019-02-15T23:53:45.134Z","Signature":"Wui8"}`,
		again: `{"Type":"Notification","MessageId":"3a6a339c","TopicArn":"arn:aws:sns:eu-west-1:1234567890:alerts","Subject":"ALARM: \"bucketbytesAlarm\" in EU (Ireland)",
			"Message":"{\"AlarmName\":\"bucketbytesAlarm\",\"AlarmDescription\":\"bucket bytes size exceeded\",\"AWSAccountId\":\"1234567890\",\"NewStateValue\":\"ALARM\",\"NewStateReason\":\"Threshold Crossed: 1 datapoint [1063000.0 (15/02/19 23:53:00)]\",\"StateChangeTime\":\"2019-02-15T23:53:45.093+0000\",\"Region\":\"EU (Ireland)\",\"OldStateValue\":\"ALARM\",\"Trigger\":{\"MetricName\":\"BucketSizeBytes\",\"Namespace\":\"AWS/S3\",\"Dimensions\":[{\"value\":\"try.alerta.io\",\"name\":\"BucketName\"}],\"Period\":86400,\"Threshold\":0.0}}",
			"Timestamp":"2019-02-16T23:53:45.134Z","Signature":"ebq8"}`,
		ends: `{"Type":"Notification","MessageId":"5a6a339c","TopicArn":"arn:aws:sns:eu-west-1:1234567890:alerts","Subject":"OK: \"bucketbytesAlarm\" in EU (Ireland)",
			"Message":"{\"AlarmName\":\"bucketbytesAlarm\",\"AlarmDescription\":\"bucket bytes size exceeded\",\"AWSAccountId\":\"1234567890\",\"NewStateValue\":\"OK\",\"NewStateReason\":\"fine\",\"StateChangeTime\":\"2019-02-17T23:53:45.093+0000\",\"Region\":\"EU (Ireland)\",\"OldStateValue\":\"ALARM\",\"Trigger\":{\"MetricName\":\"BucketSizeBytes\",\"Namespace\":\"AWS/S3\",\"Dimensions\":[{\"value\":\"try.alerta.io\",\"name\":\"BucketName\"}],\"Period\":86400,\"Threshold\":0.0}}",
			"Timestamp":"2019-02-17T23:53:45.134Z","Signature":"ebq8"}`,
		firesAt: "2019-02-15T23:53:45.134Z", againAt: "2019-02-16T23:53:45.134Z", endAt: "2019-02-17T23:53:45.134Z",
	},
	{
		name: "Azure Monitor", key: "wcus-r2-gen2", title: "WCUS-R2-Gen2", severity: layers.SeverityError,
		fires: `{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"/subscriptions/x/alerts/b9569717","alertRule":"WCUS-R2-Gen2","severity":"Sev1","signalType":"Metric","monitorCondition":"Fired",
			"alertTargetIDs":["/subscriptions/x/virtualmachines/wcus-r2-gen2"],"configurationItems":["wcus-r2-gen2"],"originAlertId":"3f2d4487_WCUS-R2-Gen2_-117781227","firedDateTime":"2019-03-22T13:58:24.3713213Z","description":"CPU"},
			"alertContext":{"condition":{"windowSize":"PT5M","allOf":[{"metricName":"Percentage CPU","metricValue":31.1}]}}}}`,
		again: `{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"/subscriptions/x/alerts/b9569717","alertRule":"WCUS-R2-Gen2","severity":"Sev1","signalType":"Metric","monitorCondition":"Fired",
			"alertTargetIDs":["/subscriptions/x/virtualmachines/wcus-r2-gen2"],"configurationItems":["wcus-r2-gen2"],"originAlertId":"3f2d4487_WCUS-R2-Gen2_-117781227","firedDateTime":"2019-03-22T13:58:24.3713213Z","description":"CPU"},
			"alertContext":{"condition":{"windowSize":"PT5M","allOf":[{"metricName":"Percentage CPU","metricValue":77.7}]}}}}`,
		ends: `{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"/subscriptions/x/alerts/b9569717","alertRule":"WCUS-R2-Gen2","severity":"Sev1","signalType":"Metric","monitorCondition":"Resolved",
			"alertTargetIDs":["/subscriptions/x/virtualmachines/wcus-r2-gen2"],"configurationItems":["wcus-r2-gen2"],"originAlertId":"3f2d4487_WCUS-R2-Gen2_-117781227","firedDateTime":"2019-03-22T13:58:24.3713213Z",
			"resolvedDateTime":"2019-03-22T14:03:16.2246313Z","description":"CPU"},"alertContext":{}}}`,
		firesAt: "2019-03-22T13:58:24.3713213Z", againAt: "2019-03-22T13:58:24.3713213Z", endAt: "2019-03-22T14:03:16.2246313Z",
	},
	{
		name: "Google Cloud Monitoring", key: "webserver-85", title: "CPU usage",
		fires: `{"incident":{"incident_id":"f2e08c333dc64cb09f75eaab355393bz","resource_id":"i-4a266a2d","resource_name":"webserver-85","state":"open","started_at":1499368214,"ended_at":null,"policy_name":"Webserver Health",
			"condition_name":"CPU usage","url":"https://app.stackdriver.com/incidents/f2e08c33","summary":"CPU (agent) for webserver-85 is above the threshold of 1% with a value of 28.5%"},"version":"1.1"}`,
		again: `{"incident":{"incident_id":"f2e08c333dc64cb09f75eaab355393bz","resource_id":"i-4a266a2d","resource_name":"webserver-85","state":"open","started_at":1499368214,"ended_at":null,"policy_name":"Webserver Health",
			"condition_name":"CPU usage","url":"https://app.stackdriver.com/incidents/f2e08c33?again","summary":"CPU (agent) for webserver-85 is above the threshold of 1% with a value of 31%"},"version":"1.1"}`,
		ends: `{"incident":{"incident_id":"f2e08c333dc64cb09f75eaab355393bz","resource_id":"i-4a266a2d","resource_name":"webserver-85","state":"closed","started_at":1499368214,"ended_at":1499368836,"policy_name":"Webserver Health",
			"condition_name":"CPU usage","url":"https://app.stackdriver.com/incidents/f2e08c33","summary":"CPU (agent) for webserver-85 returned to normal"},"version":"1.1"}`,
		firesAt: "2017-07-06T19:10:14Z", againAt: "2017-07-06T19:10:14Z", endAt: "2017-07-06T19:20:36Z",
	},
	{
		name: "Datadog", key: "ip-012345", severity: layers.SeverityCritical,
		fires:   `{"id":"1","title":"[Triggered] Load on ip-012345","body":"system.load.1 over host:ip-012345 was > 0","alert_id":1234,"alert_transition":"Triggered","priority":"P1","hostname":"ip-012345","tags":"env:prod,host:ip-012345","date":"1406662672000"}`,
		again:   `{"id":"2","title":"[Re-Triggered] Load on ip-012345","body":"system.load.1 over host:ip-012345 was > 0","alert_id":1234,"alert_transition":"Re-Triggered","priority":"P1","hostname":"ip-012345","tags":"env:prod,host:ip-012345","date":"1406669872000"}`,
		ends:    `{"id":"3","title":"[Recovered] Load on ip-012345","body":"system.load.1 over host:ip-012345 was > 0","alert_id":1234,"alert_transition":"Recovered","priority":"P1","hostname":"ip-012345","tags":"env:prod,host:ip-012345","date":"1406669972000"}`,
		firesAt: "2014-07-29T19:37:52Z", againAt: "2014-07-29T21:37:52Z", endAt: "2014-07-29T21:39:32Z",
	},
	{
		name: "PagerDuty's events", key: "monitoringtool:host-01", title: "ping failure", severity: layers.SeverityCritical,
		fires:   `{"routing_key":"R0UT1NG","event_action":"trigger","dedup_key":"samplekeyhere","payload":{"summary":"DISK at 99% on machine host-01","timestamp":"2015-07-17T08:42:58.315+0000","source":"monitoringtool:host-01","severity":"critical","component":"disk","class":"ping failure","custom_details":{"free":"1%"}}}`,
		again:   `{"routing_key":"R0UT1NG","event_action":"trigger","dedup_key":"samplekeyhere","payload":{"summary":"DISK at 98% on machine host-01","timestamp":"2015-07-17T09:42:58.315+0000","source":"monitoringtool:host-01","severity":"critical","component":"disk","class":"ping failure","custom_details":{"free":"2%"}}}`,
		ends:    `{"routing_key":"R0UT1NG","event_action":"resolve","dedup_key":"samplekeyhere"}`,
		firesAt: "2015-07-17T08:42:58.315Z", againAt: "2015-07-17T09:42:58.315Z",
	},
	{
		name: "PagerDuty's webhooks", key: "API Service",
		fires:   `{"event":{"id":"01","event_type":"incident.triggered","resource_type":"incident","occurred_at":"2020-10-02T18:45:22.169Z","data":{"id":"PGR0VU2","type":"incident","number":2,"status":"triggered","incident_key":"d3640fbd","created_at":"2020-04-09T15:16:27Z","title":"A little bump in the road","service":{"id":"PF9KMXH","summary":"API Service","type":"service_reference"},"urgency":"high"}}}`,
		again:   `{"event":{"id":"02","event_type":"incident.acknowledged","resource_type":"incident","occurred_at":"2020-10-02T18:55:22.169Z","data":{"id":"PGR0VU2","type":"incident","number":2,"status":"acknowledged","incident_key":"d3640fbd","created_at":"2020-04-09T15:16:27Z","title":"A little bump in the road","service":{"id":"PF9KMXH","summary":"API Service","type":"service_reference"},"urgency":"high"}}}`,
		ends:    `{"event":{"id":"03","event_type":"incident.resolved","resource_type":"incident","occurred_at":"2020-10-02T19:45:22.169Z","data":{"id":"PGR0VU2","type":"incident","number":2,"status":"resolved","incident_key":"d3640fbd","created_at":"2020-04-09T15:16:27Z","title":"A little bump in the road","service":{"id":"PF9KMXH","summary":"API Service","type":"service_reference"},"urgency":"high"}}}`,
		firesAt: "2020-10-02T18:45:22.169Z", againAt: "2020-10-02T18:55:22.169Z", endAt: "2020-10-02T19:45:22.169Z", severity: layers.SeverityError,
	},
	{
		name: "Opsgenie", key: "dashboard", severity: layers.SeverityWarning,
		fires:   `{"source":{"name":"web","type":"API"},"alert":{"tags":["tag1"],"message":"test","alertId":"052652ac-5d1c","source":"127.0.0.1","alias":"aliastest","tinyId":"28","entity":"dashboard","createdAt":1474012339000,"updatedAt":1474012339000000000,"priority":"P3"},"action":"Create","integrationName":"Webhook"}`,
		again:   `{"source":{"name":"web","type":"API"},"alert":{"tags":["tag1","ack"],"message":"test","alertId":"052652ac-5d1c","source":"127.0.0.1","alias":"aliastest","tinyId":"28","entity":"dashboard","createdAt":1474012339000,"updatedAt":1474012439000000000,"priority":"P3"},"action":"Acknowledge","integrationName":"Webhook"}`,
		ends:    `{"source":{"name":"web","type":"API"},"alert":{"tags":["tag1"],"message":"test","alertId":"052652ac-5d1c","source":"127.0.0.1","alias":"aliastest","tinyId":"28","entity":"dashboard","createdAt":1474012339000,"updatedAt":1474013339000000000,"priority":"P3"},"action":"Close","integrationName":"Webhook"}`,
		firesAt: "2016-09-16T07:52:19Z", againAt: "2016-09-16T07:53:59Z", endAt: "2016-09-16T08:08:59Z",
	},
	{
		name: "Zabbix", key: "db-1", title: "Disk is full on db-1", severity: layers.SeverityError,
		fires:   `{"event_id":"5317494","event_value":"1","event_update_status":"0","event_name":"Disk is full on db-1","event_severity":"High","event_nseverity":"4","event_opdata":"Current: 93.2","host_name":"db-1","trigger_id":"13491","trigger_description":"the disk is full","timestamp":1742364876}`,
		again:   `{"event_id":"5317494","event_value":"1","event_update_status":"0","event_name":"Disk is full on db-1","event_severity":"High","event_nseverity":"4","event_opdata":"Current: 95.0","host_name":"db-1","trigger_id":"13491","trigger_description":"the disk is full","timestamp":1742368476}`,
		ends:    `{"event_id":"5317494","event_value":"0","event_update_status":"0","event_name":"Disk is full on db-1","event_severity":"High","event_nseverity":"4","event_opdata":"Current: 42.0","host_name":"db-1","trigger_id":"13491","trigger_description":"the disk is full","timestamp":1742372076}`,
		firesAt: "2025-03-19T06:14:36Z", againAt: "2025-03-19T07:14:36Z", endAt: "2025-03-19T08:14:36Z",
	},
	{
		name: "Nagios", key: "web-1", title: "HTTP", severity: layers.SeverityCritical,
		fires: `{"notificationtype":"PROBLEM","hostname":"web-1","servicedesc":"HTTP","servicestate":"CRITICAL","servicestatetype":"HARD","serviceoutput":"CRITICAL - 503 in 0.3 s","timet":1742364876,"servicenotificationnumber":1}`,
		again: `{"notificationtype":"ACKNOWLEDGEMENT","hostname":"web-1","servicedesc":"HTTP","servicestate":"CRITICAL","servicestatetype":"HARD","serviceoutput":"CRITICAL - 503 in 0.5 s","timet":1742364976,"servicenotificationnumber":2}`,
		ends:  `{"notificationtype":"RECOVERY","hostname":"web-1","servicedesc":"HTTP","servicestate":"OK","servicestatetype":"HARD","serviceoutput":"OK - 200 in 0.1 s","timet":1742365976,"servicenotificationnumber":0}`,

		firesAt: "2025-03-19T06:14:36Z", againAt: "2025-03-19T06:16:16Z", endAt: "2025-03-19T06:32:56Z",
	},
	{
		name: "New Relic", title: "High CPU", key: "High CPU", severity: layers.SeverityCritical,
		fires:   `{"severity":"CRITICAL","current_state":"open","policy_name":"P","condition_id":7,"incident_id":12,"condition_name":"High CPU","details":"CPU > 90% (93.1)","duration":5,"event_type":"INCIDENT","timestamp":1601033007849,"version":"1.0"}`,
		again:   `{"severity":"CRITICAL","current_state":"acknowledged","policy_name":"P","condition_id":7,"incident_id":12,"condition_name":"High CPU","details":"CPU > 90% (95.0)","duration":60005,"event_type":"INCIDENT","timestamp":1601033067849,"version":"1.0"}`,
		ends:    `{"severity":"CRITICAL","current_state":"closed","policy_name":"P","condition_id":7,"incident_id":12,"condition_name":"High CPU","details":"CPU > 90% (1.0)","duration":90005,"event_type":"INCIDENT","timestamp":1601033097849,"version":"1.0"}`,
		firesAt: "2020-09-25T11:23:27.849Z", againAt: "2020-09-25T11:24:27.849Z", endAt: "2020-09-25T11:24:57.849Z",
	},
	{
		name: "Pingdom", key: "api.alerta.io", title: "Alerta API on OpenShift", severity: layers.SeverityError,
		fires:   `{"check_type":"HTTP","check_id":803318,"current_state":"DOWN","check_params":{"hostname":"api.alerta.io","port":80},"previous_state":"UP","check_name":"Alerta API on OpenShift","state_changed_timestamp":1498861543,"importance_level":"HIGH","description":"HTTP Error 503"}`,
		again:   `{"check_type":"HTTP","check_id":803318,"current_state":"DOWN","check_params":{"hostname":"api.alerta.io","port":80},"previous_state":"DOWN","check_name":"Alerta API on OpenShift","state_changed_timestamp":1498861543,"importance_level":"HIGH","description":"HTTP Error 503"}`,
		ends:    `{"check_type":"HTTP","check_id":803318,"current_state":"UP","check_params":{"hostname":"api.alerta.io","port":80},"previous_state":"DOWN","check_name":"Alerta API on OpenShift","state_changed_timestamp":1498861843,"importance_level":"HIGH","description":"OK"}`,
		firesAt: "2017-06-30T22:25:43Z", againAt: "2017-06-30T22:25:43Z", endAt: "2017-06-30T22:30:43Z",
	},
	{
		name: "Sensu", key: "sensu-1", title: "check-cpu", severity: layers.SeverityError,
		fires:   `{"timestamp":1742364876,"entity":{"metadata":{"name":"sensu-1","namespace":"default"}},"check":{"metadata":{"name":"check-cpu"},"status":2,"state":"failing","output":"CPU 93.1","occurrences":1}}`,
		again:   `{"timestamp":1742364936,"entity":{"metadata":{"name":"sensu-1","namespace":"default"}},"check":{"metadata":{"name":"check-cpu"},"status":2,"state":"failing","output":"CPU 95.0","occurrences":2}}`,
		ends:    `{"timestamp":1742364996,"entity":{"metadata":{"name":"sensu-1","namespace":"default"}},"check":{"metadata":{"name":"check-cpu"},"status":0,"state":"passing","output":"CPU 5.0","occurrences":1}}`,
		firesAt: "2025-03-19T06:14:36Z", againAt: "2025-03-19T06:15:36Z", endAt: "2025-03-19T06:16:36Z",
	},
	{
		name: "a node's condition", key: "Node/n-1", title: "Ready", severity: layers.SeverityError,
		fires:   `{"kind":"Node","name":"n-1","type":"Ready","status":"False","reason":"KubeletNotReady","message":"container runtime is down","lastHeartbeatTime":"2025-03-19T06:14:36Z","lastTransitionTime":"2025-03-19T06:14:06Z"}`,
		again:   `{"kind":"Node","name":"n-1","type":"Ready","status":"Unknown","reason":"NodeStatusUnknown","message":"container runtime is down","lastHeartbeatTime":"2025-03-19T06:19:36Z","lastTransitionTime":"2025-03-19T06:14:06Z"}`,
		ends:    `{"kind":"Node","name":"n-1","type":"Ready","status":"True","reason":"KubeletReady","message":"kubelet is posting ready status","lastHeartbeatTime":"2025-03-19T06:24:36Z","lastTransitionTime":"2025-03-19T06:24:06Z"}`,
		firesAt: "2025-03-19T06:14:36Z", againAt: "2025-03-19T06:19:36Z", endAt: "2025-03-19T06:24:36Z",
	},
	{
		name: "a node", key: "Node/n-1", title: "Conditions", severity: layers.SeverityWarning,
		fires:   `{"apiVersion":"v1","kind":"Node","metadata":{"name":"n-1","uid":"u","resourceVersion":"1"},"status":{"conditions":[{"type":"MemoryPressure","status":"True","message":"low","lastHeartbeatTime":"2025-03-19T06:14:36Z"},{"type":"Ready","status":"True"}]}}`,
		again:   `{"apiVersion":"v1","kind":"Node","metadata":{"name":"n-1","uid":"u","resourceVersion":"2"},"status":{"conditions":[{"type":"MemoryPressure","status":"True","message":"low","lastHeartbeatTime":"2025-03-19T06:15:36Z"},{"type":"Ready","status":"True"}]}}`,
		ends:    `{"apiVersion":"v1","kind":"Node","metadata":{"name":"n-1","uid":"u","resourceVersion":"3"},"status":{"conditions":[{"type":"MemoryPressure","status":"False","message":"fine","lastHeartbeatTime":"2025-03-19T06:16:36Z"},{"type":"Ready","status":"True"}]}}`,
		firesAt: "2025-03-19T06:14:36Z", againAt: "2025-03-19T06:15:36Z", endAt: "2025-03-19T06:16:36Z",
	},
	{
		name: "a CloudEvent", key: "pump-7", title: "Overheated", severity: layers.SeverityError,
		fires:   `{"specversion":"1.0","id":"1","source":"/plant","type":"com.example.alert.raised","subject":"pump-7","time":"2025-03-19T06:14:36Z","data":{"rule":"Overheated","severity":"error","value":93.1}}`,
		again:   `{"specversion":"1.0","id":"2","source":"/plant","type":"com.example.alert.raised","subject":"pump-7","time":"2025-03-19T07:14:36Z","data":{"rule":"Overheated","severity":"error","value":95.2}}`,
		ends:    `{"specversion":"1.0","id":"3","source":"/plant","type":"com.example.alert.cleared","subject":"pump-7","time":"2025-03-19T08:14:36Z","data":{"rule":"Overheated","severity":"error","value":40}}`,
		firesAt: "2025-03-19T06:14:36Z", againAt: "2025-03-19T07:14:36Z", endAt: "2025-03-19T08:14:36Z",
	},
}

func heard(t *testing.T, d *Decoder, data string) layers.Signal {
	t.Helper()
	item, err := d.Message(Message{Subject: "hal9.signals.mon", Data: []byte(data), Seq: 1, Stored: time.Unix(1764000000, 0)})
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return item.Signal
}

// TestAlertsOfSenders reads alerts as their senders' documentation has them.
func TestAlertsOfSenders(t *testing.T) {
	d := newDecoder(t)
	for _, c := range senders {
		t.Run(c.name, func(t *testing.T) {
			fires, again, ends := heard(t, d, c.fires), heard(t, d, c.again), heard(t, d, c.ends)
			for i, want := range []struct {
				status, at string
			}{{"firing", c.firesAt}, {"firing", c.againAt}, {"resolved", c.endAt}} {
				s := []layers.Signal{fires, again, ends}[i]
				if s.Labels["alertstatus"] != want.status || s.Labels["alertkey"] == "" || s.Labels["alertkey"] != fires.Labels["alertkey"] {
					t.Errorf("%d: %v, want %s and the same key", i, s.Labels, want.status)
				}
				if want.at != "" && !s.Time.Equal(at(t, want.at)) {
					t.Errorf("%d: at %v, want %s", i, s.Time, want.at)
				}
				if i < 2 && (s.Key != c.key || s.Severity != c.severity || s.Labels["alertname"] != c.title || s.Text == "") {
					t.Errorf("%d: key %q, severity %s, name %q, text %q", i, s.Key, s.Severity, s.Labels["alertname"], s.Text)
				}
			}
			if ends.Severity != layers.SeverityInfo {
				t.Errorf("the end has severity %s", ends.Severity)
			}
		})
	}
}

// TestConditionsAreToldApart changes what an alert is about.
func TestConditionsAreToldApart(t *testing.T) {
	d := newDecoder(t)
	const base = `{"alarm":"DiskFull","device":"db-1","disk":"sda","rule_id":7,"state":"RAISED","perceivedSeverity":"MAJOR","eventTime":"2025-03-19T06:14:36Z","additionalText":"93 % full","load":"93.5%","value":93,"notificationId":17}`
	first := heard(t, d, base)
	for _, change := range [][2]string{{"DiskFull", "DiskSlow"}, {"db-1", "db-2"}, {"sda", "sdb"}, {`"rule_id":7`, `"rule_id":8`}} {
		if s := heard(t, d, strings.Replace(base, change[0], change[1], 1)); s.Labels["alertkey"] == first.Labels["alertkey"] {
			t.Errorf("%s is the same condition as %s", change[1], change[0])
		}
	}
	for _, change := range [][2]string{{"RAISED", "CLEARED"}, {"MAJOR", "CRITICAL"}, {"06:14", "07:14"}, {`93 % full`, "95 % full"}, {"93,", "95.5,"}, {"93.5%", "8%"}, {":17}", ":18}"}} {
		if s := heard(t, d, strings.Replace(base, change[0], change[1], 1)); s.Labels["alertkey"] != first.Labels["alertkey"] {
			t.Errorf("%s is another condition than %s", change[1], change[0])
		}
	}
}

// TestWhatIsNoAlert has words of alerts in it.
func TestWhatIsNoAlert(t *testing.T) {
	d := newDecoder(t)
	for _, data := range []string{
		`{"type":"order","status":"open","customer":"c-1","amount":10}`,
		`{"device":"door-1","state":"closed","timestamp":"2025-03-19T06:14:36Z"}`,
		`{"host":"web-1","status":"OK","value":2,"latency_ms":7}`,
		`{"check":"cpu","host":"web-1","status":"up","value":2}`,
		`{"name":"door_alarm_state","labels":{"instance":"web-1"},"value":1}`,
		`{"kind":"Deployment","name":"web","type":"rollout","status":"True","revision":1}`,
		`{"event":"session","state":"active","user":"u-1"}`,
		`{"breaker":"payments","state":"OPEN"}`,
		`{"event":{"action":"create","category":"file"},"host":{"name":"web-1"},"message":"created"}`,
		`{"AlarmName":"x","NewStateValue":"INSUFFICIENT_DATA","StateChangeTime":"2025-03-19T06:14:36Z"}`,
		`{"event_type":"alert","alert":{"action":"allowed","signature":"ET SCAN","severity":2},"src_ip":"10.0.0.1"}`,
	} {
		if s := heard(t, d, data); s.Labels["alertstatus"] != "" {
			t.Errorf("%s is taken for an alert: %v", data, s.Labels)
		}
	}
}

// TestGroupOfAlertsIsOneSignal publishes the body of Alertmanager's webhook as it came.
func TestGroupOfAlertsIsOneSignal(t *testing.T) {
	d := newDecoder(t)
	s := heard(t, d, webhookBody)
	if s.Labels["alertstatus"] != "firing" || s.Severity != layers.SeverityCritical || s.Key != "db1:9100" || s.Text != "disk full on db1:9100" || s.Labels["alertkey"] == "" {
		t.Errorf("%+v", s)
	}
	one := webhookBody[:strings.Index(webhookBody, `,
{"status":"resolved"`)] + "]}"
	s = heard(t, d, one)
	if s.Labels["alertname"] != "DiskFull" || s.Key != "db1:9100" || s.Text != "disk full" || s.Labels["alertkey"] != "" {
		t.Errorf("one alert is read otherwise than alone: %+v", s)
	}
}

// TestReplayedAlertsFire has alerts of Alertmanager's API whose end, four minutes ahead, is long past by now.
func TestReplayedAlertsFire(t *testing.T) {
	const form = `{"labels":{"alertname":"A"},"startsAt":"2019-01-01T00:00:00Z","endsAt":"2019-01-01T00:05:00Z","updatedAt":"UPDATED","status":{"state":"active","silencedBy":[]}}`
	d := newDecoder(t)
	for updated, want := range map[string]string{"2019-01-01T00:01:00Z": "firing", "2019-01-01T00:05:00Z": "resolved"} {
		if s := heard(t, d, strings.Replace(form, "UPDATED", updated, 1)); s.Labels["alertstatus"] != want {
			t.Errorf("updated at %s: %s, want %s", updated, s.Labels["alertstatus"], want)
		}
	}
}

// TestDimensionIsNamedByItsValue has an alarm say first of which kind its dimension is.
func TestDimensionIsNamedByItsValue(t *testing.T) {
	d := newDecoder(t)
	for _, dimension := range []string{`{"name":"InstanceId","value":"i-1"}`, `{"value":"i-1","name":"InstanceId"}`, `{"name":"i-1"}`} {
		s := heard(t, d, `{"AlarmName":"cpu","NewStateValue":"ALARM","StateChangeTime":"2025-03-19T06:14:36Z","Trigger":{"MetricName":"CPU","Dimensions":[`+dimension+`]}}`)
		if s.Key != "i-1" {
			t.Errorf("%s: the alarm is about %q", dimension, s.Key)
		}
	}
}
