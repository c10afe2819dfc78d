package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/ingest"
)

// maxProblems bounds the problems that one answer lists.
const maxProblems = 100

// refusalError is an answer that is no success, and its JSON body.
type refusalError struct {
	Message  string    `json:"error"`
	Problems []problem `json:"problems,omitempty"`
	More     int       `json:"more_problems,omitempty"` // how many Problems leaves out
	// Accepted and IDs are set where storing failed midway: what is stored, and the ids of
	// all items in their order, to send them again with.
	Accepted []accepted `json:"accepted,omitempty"`
	IDs      []string   `json:"ids,omitempty"`

	status     int
	retryAfter time.Duration // 0 where coming back does not help
	wrong      int           // how many items are at fault
}

// problem is what is wrong with one item. Index counts from 0.
type problem struct {
	Index   int    `json:"index"`
	Field   string `json:"field,omitempty"`
	Problem string `json:"problem"`
	Want    string `json:"want,omitempty"`
}

// Error implements error.
func (r *refusalError) Error() string { return "web: " + r.Message }

func refuse(status int, format string, args ...any) *refusalError {
	return &refusalError{status: status, Message: fmt.Sprintf(format, args...)}
}

// unreadable is the refusal of a body that the decoder did not understand.
func unreadable(err error) *refusalError {
	items, ok := errors.AsType[ingest.ItemErrors](err)
	if !ok {
		return refuse(http.StatusBadRequest, "%s", plainText(err))
	}
	wrong := make(map[int]bool)
	r := &refusalError{status: http.StatusBadRequest}
	for _, item := range items {
		wrong[item.Index] = true
		if len(r.Problems) < maxProblems {
			r.Problems = append(r.Problems, problem{item.Index, item.Field, item.Problem, item.Want})
		}
	}
	r.wrong = len(wrong)
	r.More = len(items) - len(r.Problems)
	r.Message = fmt.Sprintf("nothing was stored: wrong items: %d", len(wrong))
	return r
}

// plainText is what an error of the decoder says, without the name of its package, which
// means nothing to a sender.
func plainText(err error) string { return strings.TrimPrefix(err.Error(), "ingest: ") }

// writeRefusal sends err as JSON; what is no refusal becomes a 500.
func writeRefusal(w http.ResponseWriter, err error) {
	r, ok := errors.AsType[*refusalError](err)
	if !ok {
		r = refuse(http.StatusInternalServerError, "%s", err)
	}
	if r.retryAfter > 0 {
		seconds := int(math.Ceil(r.retryAfter.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	writeJSON(w, r.status, r)
}

// writeJSON sends v. An error here means that the client is gone: nobody is left to be told.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
