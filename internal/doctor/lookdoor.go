package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/internal/journal"
)

// Bounds of one answer over HTTP.
const (
	doorTime  = 3 * time.Second
	doorBytes = 4 << 20
)

func (e *examination) lookAtDoors(ctx context.Context) {
	client := &http.Client{Timeout: doorTime}
	defer client.CloseIdleConnections()
	var wait sync.WaitGroup
	for _, address := range e.opts.HTTP {
		wait.Go(func() { e.lookAtDoor(ctx, client, address) })
	}
	wait.Wait()
}

func (e *examination) lookAtDoor(ctx context.Context, client *http.Client, address string) {
	base := strings.TrimSuffix(address, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	door := Door{URL: redactURL(base), Asked: e.opts.Asked}
	asked := time.Now()
	var body rollBody
	err := get(ctx, client, base+"/v1/status", &body.Status)
	arrived := time.Now()
	if err != nil {
		door.Error = err.Error()
		e.looked("HTTP "+door.URL, false, door.Error)
		e.note(func(f *Facts) { f.Doors = append(f.Doors, door) })
		return
	}
	var errs struct {
		Errors []journal.Entry `json:"errors"`
	}
	if err := get(ctx, client, base+"/v1/errors", &errs); err == nil { // Older processes have none.
		body.Errors = errs.Errors
	}
	p := newProcess(&body, door.URL, arrived, arrived.Sub(asked))
	door.Name = p.Name
	e.looked("HTTP "+door.URL, true, p.title())
	e.note(func(f *Facts) { f.Doors = append(f.Doors, door); f.add(&p) })
}

func get(ctx context.Context, client *http.Client, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("want an address such as http://127.0.0.1:9099: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return reason(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s: is that HAL9?", response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, doorBytes)).Decode(into); err != nil {
		return errors.New("it answers something else than HAL9 does")
	}
	return nil
}

// reason returns why nothing was answered, without the address that stands beside it.
func reason(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fmt.Errorf("no answer within %s", doorTime)
	}
	return err
}
