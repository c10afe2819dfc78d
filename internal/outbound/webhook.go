package outbound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

const (
	// AttemptTime bounds one attempt at a target.
	AttemptTime = 10 * time.Second
	// longestRetryAfter bounds how long a target may have HAL9 wait.
	longestRetryAfter = 10 * time.Minute
)

// errLater says that the target named the time to come back.
var errLater = errors.New("outbound: the target asked to come back later")

// webhook posts results to a URL.
type webhook struct {
	url    string
	client *http.Client
}

// deliver posts one result. 408, 429 and 5xx may pass; any other refusal is permanent.
func (w webhook) deliver(msg *message.Message) error {
	ctx, cancel := context.WithTimeout(msg.Context(), AttemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(msg.Payload))
	if err != nil {
		return layers.Permanent(fmt.Errorf("outbound: webhook: %w", err))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "hal9")
	req.Header.Set("Idempotency-Key", msg.UUID) // the same on every try, so that the target can drop copies
	if parent := msg.Metadata.Get(pipeline.HeaderTraceParent); parent != "" {
		req.Header.Set(pipeline.HeaderTraceParent, parent)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("outbound: webhook: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4096)) // so that the connection can be used again
	return w.judge(msg, res)
}

func (w webhook) judge(msg *message.Message, res *http.Response) error {
	err := fmt.Errorf("outbound: webhook %s answered %s", w.url, res.Status)
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return w.later(msg, res, err)
	default:
		return layers.Permanent(err)
	}
}

// later delays the next delivery where the target says for how long.
func (w webhook) later(msg *message.Message, res *http.Response, err error) error {
	seconds, parseErr := strconv.Atoi(res.Header.Get("Retry-After"))
	delivery, ok := natspubsub.DeliveryOf(msg.Context())
	if parseErr != nil || seconds <= 0 || !ok {
		return err
	}
	delivery.DelayNack(min(time.Duration(seconds)*time.Second, longestRetryAfter))
	return fmt.Errorf("%w: %w", errLater, err)
}
