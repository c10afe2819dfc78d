package bench

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// mixed makes what a platform sends in an ordinary hour: in a hundred thousand signals about 60 % log lines of
// two dozen kinds, 32 % metric samples of 300 series with noise and a spike in two thousand, 5 % alerts that mostly
// fire again, 3 % Kubernetes events and one critical in five thousand.
func mixed(i int, at time.Time) []byte {
	random := rand.New(rand.NewPCG(uint64(i), 7))
	if i%5_000 == 4_999 {
		return critical(i, at)
	}
	switch roll := random.IntN(100); {
	case roll < 60:
		return logLine(i, at, random)
	case roll < 92:
		return sample(i, at, random)
	case roll < 97:
		service := random.IntN(40)
		return fill(i, at, signalBytes, fmt.Sprintf(
			`"source":"alertmanager","labels":{"alertname":"HighLatency","service":"svc-%02d","status":"firing"},"severity":"warning","message":"p99 above 400 ms, `, service))
	default:
		return fill(i, at, signalBytes, fmt.Sprintf(
			`"source":"kubernetes","type":"io.k8s.event","subject":"default/web-%02d","severity":"info","message":"Started container web, `, random.IntN(60)))
	}
}

func logLine(i int, at time.Time, random *rand.Rand) []byte {
	verbs := [...]string{"GET", "PUT", "POST", "DELETE", "login", "logout", "checkout", "refund"}
	things := [...]string{"order", "basket", "invoice"}
	severity := "info"
	if random.IntN(200) == 0 {
		severity = "warning"
	}
	return fill(i, at, signalBytes, fmt.Sprintf(`"source":"web","host":"web-%02d","severity":%q,"message":"%s of %s %d took %d ms for user %d, `,
		random.IntN(30), severity, verbs[random.IntN(len(verbs))], things[random.IntN(len(things))], random.IntN(1_000_000), random.IntN(300), random.IntN(50_000)))
}

func sample(i int, at time.Time, random *rand.Rand) []byte {
	series := random.IntN(300)
	value := 20 + float64(series%50) + random.NormFloat64()
	if random.IntN(2_000) == 0 {
		value += 60
	}
	return fill(i, at, signalBytes, fmt.Sprintf(`"source":"node-exporter","type":"metric.cpu","subject":"node-%03d","value":%.3f,"labels":{"host":"node-%03d","unit":"percent"},"note":"`,
		series, value, series))
}
