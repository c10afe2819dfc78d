package natsserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	markFile   = "hal9.marks"
	markPeriod = 2 * time.Second
)

// marks are how far each stream on disk is known to have come. They are written while the server
// runs, and exactly when it stops. A server that finds a record that it can't read cuts the
// stream off there without a word; a stream that ends before its mark tells, and after a
// stop in order one that holds fewer messages.
type marks struct {
	Stopped bool            `json:"stopped"` // written when the server stopped: nothing came or went since
	Streams map[string]mark `json:"streams"` // by account/stream
}

type mark struct {
	Last     uint64 `json:"last"`     // sequence of the last message
	Messages uint64 `json:"messages"` // 0 where they leave by age, also while nobody runs
}

// present reads the streams as they are now, and refuses those of which messages are known to be lost.
func (s *Server) present() (marks, error) {
	info, err := s.nats.Jsz(&server.JSzOptions{Accounts: true, Streams: true, Config: true})
	if err != nil {
		return marks{}, fmt.Errorf("natsserver: look at the store: %w", err)
	}
	m := marks{Streams: map[string]mark{}}
	for _, account := range info.AccountDetails {
		for _, stream := range account.Streams {
			if lost := stream.State.Lost; lost != nil && len(lost.Msgs) > 0 {
				return marks{}, fmt.Errorf("natsserver: %d messages of stream %s can't be read", len(lost.Msgs), stream.Name)
			}
			if stream.Config != nil && stream.Config.Storage == server.FileStorage {
				at := mark{Last: stream.State.LastSeq}
				if stream.Config.MaxAge == 0 && !stream.Config.AllowMsgTTL {
					at.Messages = stream.State.Msgs
				}
				m.Streams[account.Name+"/"+stream.Name] = at
			}
		}
	}
	return m, nil
}

// checkMarks compares the recovered streams with the marks of the server's last life.
func (m marks) checkMarks(dir string) error {
	path := filepath.Join(dir, markFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("natsserver: %s can't be read: %w", path, pathReason(err))
	}
	var last marks
	if json.Unmarshal(data, &last) != nil {
		return nil //nolint:nilerr // It was being written when the process died; it says nothing.
	}
	for _, stream := range slices.Sorted(maps.Keys(last.Streams)) {
		now, then := m.Streams[stream], last.Streams[stream]
		lost := max(then.Last, now.Last) - now.Last
		if last.Stopped {
			lost = max(lost, max(then.Messages, now.Messages)-now.Messages)
		}
		if lost > 0 {
			return fmt.Errorf("natsserver: data folder %s is damaged: %d messages of stream %s are gone: %s; to go on without them, delete %s",
				dir, lost, filepath.Base(stream), advice, path)
		}
	}
	return nil
}

func (m marks) write(dir string) error {
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("natsserver: %w", err)
	}
	part := filepath.Join(dir, markFile+".part")
	if err := os.WriteFile(part, data, 0o600); err != nil {
		return fmt.Errorf("natsserver: %w", err)
	}
	return os.Rename(part, filepath.Join(dir, markFile))
}

// lastMarks writes the marks of a stop in order: nothing is stored any more.
func (s *Server) lastMarks() {
	m, err := s.present()
	if err == nil {
		m.Stopped = true
		err = m.write(s.dir)
	}
	if err != nil {
		s.log.Warn("last marks not written", "error", err)
	}
}

// keepMarks writes the marks now and then until Stop.
func (s *Server) keepMarks() {
	defer close(s.marked)
	ticker := time.NewTicker(markPeriod)
	defer ticker.Stop()
	for {
		m, err := s.present()
		if err == nil {
			err = m.write(s.dir)
		}
		if err != nil {
			s.log.Warn("marks not written", "error", err)
		}
		select {
		case <-ticker.C:
		case <-s.stopping:
			return
		}
	}
}
