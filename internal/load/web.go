package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds of what the HTTP side may answer.
const (
	answerMax     = 1 << 20          // bytes that are read of one answer
	retryAfterMax = 30 * time.Second // that a user waits before trying again
	idleMax       = time.Minute      // that an unused connection is kept: less than the server does
)

// web is HAL9's HTTP side as users reach it.
type web struct {
	base   string
	client *http.Client
}

// newWeb returns a client that makes and keeps a connection for each user who needs one.
func newWeb(base string, users int) *web {
	return &web{base: base, client: &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: users, MaxIdleConns: users, MaxIdleConnsPerHost: users,
		IdleConnTimeout: idleMax, DisableCompression: true,
	}}}
}

func (w *web) close() { w.client.CloseIdleConnections() }

// publish sends one signal and returns once HAL9 has accepted it.
func (w *web) publish(ctx context.Context, s *signal) error {
	body, err := s.body()
	if err != nil {
		return err
	}
	answer, err := w.ask(ctx, http.MethodPost, "/v1/signals", body)
	if err != nil {
		return err
	}
	var accepted struct {
		Accepted []struct {
			ID string `json:"id"`
		} `json:"accepted"`
	}
	if err := json.Unmarshal(answer, &accepted); err != nil || len(accepted.Accepted) != 1 || accepted.Accepted[0].ID != s.ID {
		return &AnswerError{What: "accepted signal " + s.ID, Answer: answer}
	}
	return nil
}

// status reads how the layers stand.
func (w *web) status(ctx context.Context) error {
	answer, err := w.ask(ctx, http.MethodGet, "/v1/status", nil)
	if err != nil {
		return err
	}
	var status struct {
		Layers []struct {
			Layer string `json:"layer"`
		} `json:"layers"`
	}
	if err := json.Unmarshal(answer, &status); err != nil || len(status.Layers) == 0 {
		return &AnswerError{What: "the status of its layers", Answer: answer}
	}
	return nil
}

// ask sends a request and returns the answer's body where it is a success.
func (w *web) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	req.Header.Set("User-Agent", "hal9-load")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := w.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerMax))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("load: read the answer of %s: %w", path, err)
	}
	if res.StatusCode/100 != 2 {
		return nil, &StatusError{Status: res.StatusCode, Answer: answer, After: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	}
	return answer, nil
}

// retryAfter reads the header of this name: seconds, or a date. It is 0 where there is none and
// bounded whatever it says.
func retryAfter(text string, now time.Time) time.Duration {
	var after time.Duration
	if seconds, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32); err == nil {
		after = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(text); err == nil {
		after = date.Sub(now)
	}
	return min(max(0, after), retryAfterMax)
}
