package bench

import (
	"context"
	"errors"
	"time"
)

// Users is what a run of concurrent users gave.
type Users struct {
	P50, P99 time.Duration // from the time at which a request was due
	Requests int
	Errors   int
}

// measureUsers shows what Config.Users measures, where there is one.
func measureUsers(ctx context.Context, s *session, row *Row) error {
	if s.cfg.Users == nil {
		return errors.New("run `hal9 load --users 1000 --for 60s`")
	}
	u, err := s.cfg.Users(ctx)
	if err != nil {
		return err
	}
	if u.Requests == 0 {
		return errors.New("no request was made")
	}
	row.P50, row.P99, row.Rounds = new(milliseconds(u.P50)), new(milliseconds(u.P99)), 1
	row.Value = row.P99
	share := float64(u.Errors) / float64(u.Requests)
	row.addNote("%s requests, %d errors", grouped(float64(u.Requests)), u.Errors)
	row.Must = both(below(row.P99, 1000), new(share < .01))
	row.Goal = both(below(row.P99, 50), new(u.Errors == 0))
	return nil
}
