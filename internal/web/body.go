package web

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// readBody reads the whole body, unpacked, within the server's bound.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := s.cfg.MaxBodyBytes
	if r.ContentLength > limit {
		return nil, tooLarge(w, limit)
	}
	packed := http.MaxBytesReader(w, r.Body, limit)
	unpacked, err := unpack(r.Header.Get("Content-Encoding"), packed)
	if err != nil {
		return nil, bodyRefusal(w, err, limit)
	}
	// One byte above the limit tells a body at the limit from one that goes on.
	body, err := io.ReadAll(io.LimitReader(unpacked, limit+1))
	if err != nil {
		return nil, bodyRefusal(w, err, limit)
	}
	if int64(len(body)) > limit {
		return nil, tooLarge(w, limit)
	}
	return body, nil
}

func unpack(encoding string, body io.Reader) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		return unpacked, nil
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "Content-Encoding %q is not understood: want gzip or none", encoding)
	}
}

// bodyRefusal says why a body could not be read.
func bodyRefusal(w http.ResponseWriter, err error, limit int64) error {
	if r, ok := errors.AsType[*refusalError](err); ok {
		return r
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(w, limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.Header().Set("Connection", "close")
		return refuse(http.StatusRequestTimeout, "the body did not arrive in time")
	}
	return refuse(http.StatusBadRequest, "the body could not be read: %s", err)
}

// tooLarge also ends the connection: the rest of the body is not worth reading.
func tooLarge(w http.ResponseWriter, limit int64) error {
	w.Header().Set("Connection", "close")
	return refuse(http.StatusRequestEntityTooLarge, "the body is larger than the limit of %d bytes (%s), unpacked", limit, sizeText(limit))
}

func sizeText(bytes int64) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%.4g MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.4g KiB", float64(bytes)/(1<<10))
}
