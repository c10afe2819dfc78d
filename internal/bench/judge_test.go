package bench

import "testing"

func TestJudge(t *testing.T) {
	yes, no := new(true), new(false)
	for _, test := range []struct {
		name       string
		judge      func(*Row) (must, goal *bool)
		row        Row
		must, goal *bool
	}{
		{"idle: fast", judgeIdle, Row{P50: new(.9), P99: new(.99), Ratio: new(1.2)}, yes, yes},
		{"idle: slow tail", judgeIdle, Row{P50: new(.9), P99: new(1.), Ratio: new(1.)}, yes, no},
		{"idle: slower than the loop", judgeIdle, Row{P50: new(.1), P99: new(.2), Ratio: new(1.21)}, yes, no},
		{"idle: slow", judgeIdle, Row{P50: new(1.), P99: new(2.), Ratio: new(1.)}, no, no},
		{"idle: alone", judgeIdle, Row{P50: new(.1), P99: new(.2)}, yes, nil},
		{"idle: nothing", judgeIdle, Row{}, nil, nil},
		{"steady: fast", judgeSteady, Row{P99: new(1.99)}, yes, yes},
		{"steady: fair", judgeSteady, Row{P99: new(2.)}, yes, no},
		{"steady: slow", judgeSteady, Row{P99: new(10.)}, no, no},
		{"throughput: thrice", judgeThroughput, Row{Ratio: new(3.)}, yes, yes},
		{"throughput: as much", judgeThroughput, Row{Ratio: new(1.)}, yes, no},
		{"throughput: less", judgeThroughput, Row{Ratio: new(.999)}, no, no},
		{"throughput: alone", judgeThroughput, Row{Value: new(1e6)}, nil, nil},
		{"layer: fast", judgeLayer, Row{P50: new(.001), P99: new(.019)}, yes, yes},
		{"layer: fair", judgeLayer, Row{P50: new(.099), P99: new(.02)}, yes, no},
		{"layer: slow", judgeLayer, Row{P50: new(.1), P99: new(.2)}, no, no},
		{"memory: fast and right", judgeMemory, Row{P99: new(.99), recall: new(.95)}, yes, yes},
		{"memory: fast and wrong", judgeMemory, Row{P99: new(.99), recall: new(.949)}, yes, no},
		{"memory: fair", judgeMemory, Row{P99: new(1.), recall: new(1.)}, yes, no},
		{"memory: slow", judgeMemory, Row{P99: new(5.), recall: new(1.)}, no, no},
		{"cache: twice", judgeCache, Row{Ratio: new(2.)}, yes, yes},
		{"cache: a tenth more", judgeCache, Row{Ratio: new(1.1)}, yes, no},
		{"cache: a little more", judgeCache, Row{Ratio: new(1.09)}, no, no},
	} {
		must, goal := test.judge(&test.row)
		if met(must) != met(test.must) || met(goal) != met(test.goal) {
			t.Errorf("%s: must %s, goal %s: want %s and %s", test.name, met(must), met(goal), met(test.must), met(test.goal))
		}
	}
}
