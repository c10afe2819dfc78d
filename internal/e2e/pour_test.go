package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Who sends: clients that each wait for no more than so many acknowledgements.
const (
	pourers    = 4
	pourWindow = 4000
)

// pour publishes signals as fast as JetStream acknowledges them, each with a number of its own, and returns how
// many were acknowledged.
func pour(ctx context.Context, t *testing.T, url string, most int, log *floodLog) int {
	t.Helper()
	var next, stored atomic.Int64
	var all sync.WaitGroup
	for range pourers {
		nc, err := nats.Connect(url)
		if err != nil {
			t.Fatal(err)
		}
		js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(pourWindow))
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer nc.Close()
			futures := make(chan pouredSignal, pourWindow)
			var acks sync.WaitGroup
			acks.Go(func() {
				for f := range futures {
					if log.note(f.number, f.future) {
						stored.Add(1)
					}
				}
			})
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= most {
					break
				}
				future, err := js.PublishMsgAsync(pouredMessage(n), jetstream.WithStallWait(10*time.Second))
				if err != nil {
					continue // It was not sent, so nobody promised anything.
				}
				futures <- pouredSignal{n, future}
			}
			close(futures)
			acks.Wait()
		})
	}
	all.Wait()
	return int(stored.Load())
}

type pouredSignal struct {
	number int
	future jetstream.PubAckFuture
}

// pouredMessage is one of a few hundred kinds of log lines of as many hosts.
func pouredMessage(n int) *nats.Msg {
	text := fmt.Sprintf(`{"id":"f%d","host":"web-%d","level":"info","message":"request %d of kind k%d took %d ms"}`, n, n%300, n, n%40, n%97)
	return &nats.Msg{Subject: "hal9.signals.flood", Data: []byte(text)}
}

// alarm publishes a critical signal about another host every now and then.
func alarm(ctx context.Context, t *testing.T, js jetstream.JetStream, log *floodLog) {
	t.Helper()
	for n := 0; pauseUnless(ctx, 100*time.Millisecond); n++ {
		id := fmt.Sprint("c", n)
		one := log.send(log.critical, id)
		if ack, err := js.PublishMsg(context.WithoutCancel(ctx), criticalMessage(id)); err == nil {
			one.acked, one.stored = true, ack.Sequence
		}
	}
}

func criticalMessage(id string) *nats.Msg {
	return &nats.Msg{Subject: "hal9.signals.alarm", Data: []byte(criticalText(id))}
}

func criticalText(id string) string {
	return fmt.Sprintf(`{"id":%q,"source":"alarm","host":"db-%s","severity":"critical","message":"disk of db-%s is full"}`, id, id, id)
}

// calm sends critical signals one after the other while nothing else happens.
func calm(t *testing.T, js jetstream.JetStream, log *floodLog) {
	t.Helper()
	for n := range 50 {
		id := fmt.Sprint("calm", n)
		one := log.send(log.critical, id)
		ack, err := js.PublishMsg(t.Context(), criticalMessage(id))
		if err != nil {
			t.Fatal(err)
		}
		one.acked, one.stored = true, ack.Sequence
		time.Sleep(20 * time.Millisecond) // One at a time: that is what calm means.
	}
	awaitAnswers(t, js, 50, 30*time.Second)
}

// doorCount is what HTTP answered.
type doorCount struct {
	taken, refused, critical int
	wrong                    []string
}

// knock sends one plain and one critical signal over HTTP, in turns.
func (d *doorCount) knock(ctx context.Context, t *testing.T, url string, log *floodLog) {
	t.Helper()
	for n := 0; pauseUnless(ctx, 50*time.Millisecond); n++ {
		id := fmt.Sprint("h", n)
		text := fmt.Sprintf(`{"id":%q,"source":"door","message":"nothing special"}`, id)
		list := log.others
		if n%2 == 1 {
			text, list = criticalText(id), log.critical
		}
		one := log.send(list, id)
		req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, url+"/v1/signals", strings.NewReader(text))
		if err != nil {
			d.wrong = append(d.wrong, err.Error())
			return
		}
		req.Header.Set("Content-Type", "application/json")
		status, answer, header := knockOnce(req)
		switch {
		case status == http.StatusAccepted && n%2 == 1:
			d.critical++
			one.acked = true
		case status == http.StatusAccepted:
			d.taken++
			one.acked = true
		case status == http.StatusTooManyRequests && n%2 == 0 && header.Get("Retry-After") != "":
			d.refused++
		default:
			d.wrong = append(d.wrong, fmt.Sprintf("%s: %d with Retry-After %q: %s", text, status, header.Get("Retry-After"), answer))
		}
	}
}

// check requires refusals where so much waited that plain signals must be refused.
func (d *doorCount) check(t *testing.T, waited int) {
	t.Helper()
	for _, wrong := range d.wrong[:min(len(d.wrong), 5)] {
		t.Errorf("over HTTP %s", wrong)
	}
	if d.critical == 0 || waited > refusedFrom && d.refused == 0 {
		t.Errorf("%d signals waited; HTTP refused %d plain signals and took %d critical ones", waited, d.refused, d.critical)
	}
}

func (d *doorCount) String() string {
	return fmt.Sprintf("HTTP: %d plain signals taken, %d answered 429 with Retry-After; %d critical ones taken", d.taken, d.refused, d.critical)
}

// knockOnce sends a request and returns the whole answer; status 0 where there is none.
func knockOnce(req *http.Request) (status int, text string, header http.Header) {
	client := http.Client{Timeout: 30 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return 0, err.Error(), http.Header{}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, errors.Join(err, errors.New(string(body))).Error(), res.Header
	}
	return res.StatusCode, string(body), res.Header
}

func pauseUnless(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
