package compose_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// sender sends signals from the host until it is stopped, over NATS and HTTP, and remembers what was acknowledged. What was not
// it sends again under the same id, as a careful client does.
type sender struct {
	mu    sync.Mutex
	acked map[string]bool // source|id
}

func newSender() *sender { return &sender{acked: map[string]bool{}} }

func (s *sender) ack(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked[id] = true
}

func (s *sender) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

// Who sends what: some of it climbs to L5, most of it does not.
func body(source string, n int) []byte {
	severity, message := "info", fmt.Sprintf("request %d served in %d ms", n, n%90)
	if n%50 == 0 {
		severity, message = "critical", "disk is full"
	}
	data, _ := json.Marshal(map[string]any{ //nolint:errchkjson // Strings only.
		"id": fmt.Sprintf("%s-%d", source, n), "source": source, "key": fmt.Sprintf("host-%d", n%40), "severity": severity, "message": message,
	})
	return data
}

// overNATS publishes until ctx ends.
func (s *sender) overNATS(ctx context.Context, url string) error {
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.RetryOnFailedConnect(true))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	for n := 0; ctx.Err() == nil; n++ {
		for ctx.Err() == nil {
			_, err := js.Publish(ctx, "hal9.signals.nats", body("nats", n))
			if err == nil {
				s.ack(fmt.Sprintf("nats|nats-%d", n))
				break
			}
			pause(ctx, 200*time.Millisecond)
		}
		pause(ctx, 3*time.Millisecond)
	}
	return nil
}

// overHTTP posts arrays until ctx ends.
func (s *sender) overHTTP(ctx context.Context, url string) {
	const most = 20
	for n := 0; ctx.Err() == nil; n += most {
		var items []json.RawMessage
		for i := range most {
			items = append(items, body("http", n+i))
		}
		data, _ := json.Marshal(items) //nolint:errchkjson // JSON already.
		for ctx.Err() == nil && post(ctx, url, data) != http.StatusAccepted {
			pause(ctx, 200*time.Millisecond)
		}
		if ctx.Err() == nil {
			for i := range most {
				s.ack(fmt.Sprintf("http|http-%d", n+i))
			}
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// post returns the status of the answer, 0 where there is none.
func post(ctx context.Context, url string, data []byte) int {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// verdicts counts the verdicts on each signal.
func verdicts(ctx context.Context, url string) (map[string]int, error) {
	nc, err := nats.Connect(url)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	consumer, err := js.CreateConsumer(ctx, "HAL9_VERDICTS", jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy})
	if err != nil {
		return nil, err
	}
	got := map[string]int{}
	for left := int(consumer.CachedInfo().NumPending); left > 0; { //nolint:gosec // A count.
		batch, err := consumer.Fetch(min(left, 1000), jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			return nil, err
		}
		for msg := range batch.Messages() {
			var v struct {
				Source   string `json:"source"`
				SignalID string `json:"signal_id"`
			}
			if err := json.Unmarshal(msg.Data(), &v); err != nil {
				return nil, err
			}
			got[v.Source+"|"+v.SignalID]++
			left--
		}
		if err := batch.Error(); err != nil {
			return nil, err
		}
	}
	return got, nil
}

// wrong says what of the acknowledged signals has no verdict, or two.
func (s *sender) wrong(got map[string]int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	missing, double := 0, 0
	for id := range s.acked {
		switch n := got[id]; {
		case n == 0:
			missing++
		case n > 1:
			double++
		}
	}
	if missing+double > 0 {
		return fmt.Errorf("of %d acknowledged signals %d have no verdict and %d have several", len(s.acked), missing, double)
	}
	return nil
}
