package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const problemPrefix = "urn:keyledger:problem:"

// deployment is the nodes under test, as all clients share them. Any goroutine.
type deployment struct {
	urls    []string
	account string
	token   string
	run     string       // Makes request ids and idempotency keys this run's own.
	newest  atomic.Int64 // The largest position in any answer so far.
	count   atomic.Int64 // Of requests.
	began   time.Time
	http    *http.Client
}

func newDeployment(urls []string, account, token, run string) *deployment {
	return &deployment{urls: urls, account: account, token: token, run: run, began: time.Now(),
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}}
}

func (d *deployment) now() int64 {
	return d.began.UnixNano() + int64(time.Since(d.began))
}

func (d *deployment) sawPosition(position int64) {
	for {
		newest := d.newest.Load()
		if position <= newest || d.newest.CompareAndSwap(newest, position) {
			return
		}
	}
}

// question is what ask needs beside what an attempt says.
type question struct {
	id     string // The key's; none when it is to be made.
	value  string // The key's; for verify.
	within time.Duration
}

// ask sends `a`, and fills in what came of it. An error: an answer that this service must never give.
func (d *deployment) ask(a *attempt, q question) error {
	ctx, cancel := context.WithTimeout(context.Background(), q.within)
	defer cancel()
	a.RequestID = fmt.Sprintf("%s-%d", d.run, d.count.Add(1))
	a.Call = d.now()
	if a.Input.Kind.isRead() {
		a.MinPosition = d.newest.Load()
	}
	request, err := d.request(ctx, a, q)
	if err != nil {
		return err
	}
	response, err := d.http.Do(request)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
	if err != nil {
		a.Return = d.now()
		a.Output.Result, a.Problem = whatIsSureOf(err), err.Error()
		return nil
	}
	a.Status = response.StatusCode
	a.Replayed = response.Header.Get("Idempotency-Replayed") == "true"
	a.Position, err = strconv.ParseInt(response.Header.Get("Keyledger-Position"), 10, 64)
	if err == nil {
		d.sawPosition(a.Position)
	}
	a.Return = d.now() // Not before others may know the position: who asks after this must ask for it.
	if err != nil {
		return fmt.Errorf("an answer without a position: %w", err)
	}
	return a.take(body)
}

func (d *deployment) request(ctx context.Context, a *attempt, q question) (*http.Request, error) {
	keys := d.urls[a.Node] + "/v1/accounts/" + d.account + "/keys"
	method, url := "", keys+"/"+q.id
	var body map[string]interface{}
	switch a.Input.Kind {
	case create:
		method, url, body = http.MethodPost, keys, wanted(a.Input)
	case change:
		method, body = http.MethodPatch, wanted(a.Input)
	case remove:
		method = http.MethodDelete
	case get:
		method = http.MethodGet
	case verify:
		method, url, body = http.MethodPost, d.urls[a.Node]+"/v1/verify", map[string]interface{}{"key": q.value}
	}
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		// No type that net/http knows how to read again: it would send a request twice by itself.
		content = struct{ io.Reader }{strings.NewReader(string(text))}
	}
	request, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Authorization", "Bearer "+d.token)
	request.Header.Set("X-Request-Id", a.RequestID)
	if a.MinPosition > 0 {
		request.Header.Set("Keyledger-Min-Position", strconv.FormatInt(a.MinPosition, 10))
	}
	if a.Input.IfVersion != noVersion {
		request.Header.Set("If-Match", fmt.Sprintf(`"v%d"`, a.Input.IfVersion))
	}
	if a.IdempotencyKey != "" {
		// Spelt as net/http doesn't: for the spelling that it knows, it sends a request twice by itself.
		request.Header["idempotency-key"] = []string{a.IdempotencyKey}
	}
	return request, nil
}

func wanted(in input) map[string]interface{} {
	body := map[string]interface{}{}
	if in.Name != nil {
		body["name"] = *in.Name
	}
	if in.Enabled != nil {
		body["enabled"] = *in.Enabled
	}
	return body
}

// whatIsSureOf tells what is known of a request that got no answer.
func whatIsSureOf(err error) result {
	var operation *net.OpError
	if errors.As(err, &operation) && operation.Op == "dial" {
		return refused
	}
	return unknown
}

// answer is the members of all answers' bodies that are looked at.
type answer struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Value   string `json:"value"`
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	Version int    `json:"version"`
	Code    string `json:"code"`
	KeyID   string `json:"key_id"`
}

// take makes an output of an answer. An error: an answer that this service must never give.
func (a *attempt) take(body []byte) error {
	var found answer
	if len(body) > 0 {
		if err := json.Unmarshal(body, &found); err != nil {
			return fmt.Errorf("%d with a body that can't be read: %w: %q", a.Status, err, body)
		}
	}
	a.Problem = strings.TrimPrefix(found.Type, problemPrefix)
	unexpected := fmt.Errorf("%s %s at node %d: %d %s", a.RequestID, a.Input.Kind, a.Node, a.Status, body)
	switch a.Status {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		a.Output = output{Result: done, Name: found.Name, Enabled: found.Enabled, Version: found.Version}
		a.value = found.Value
		if a.Input.Kind == create {
			a.Output.ID = found.ID
		}
		if a.Input.Kind == verify {
			if err := a.takeVerdict(found, unexpected); err != nil {
				return err
			}
		}
	case http.StatusNotFound:
		a.Output.Result = absent
	case http.StatusPreconditionFailed:
		a.Output.Result = mismatch
	case http.StatusServiceUnavailable:
		switch a.Problem {
		case "not-caught-up", "overloaded", "unavailable", "not-leader":
			a.Output.Result = refused
		case "outcome-unknown":
			a.Output.Result = unknown
		default:
			return unexpected
		}
	default:
		a.Output.Result = unknown
		return unexpected
	}
	if a.Position < a.MinPosition && a.Output.Result != refused {
		return fmt.Errorf("it is of position %d, asked for was %d: %w", a.Position, a.MinPosition, unexpected)
	}
	return nil
}

func (a *attempt) takeVerdict(found answer, unexpected error) error {
	switch found.Code {
	case "VALID":
		a.Output.Enabled = true
	case "DISABLED":
		a.Output.Enabled = false
	case "NOT_FOUND":
		a.Output = output{Result: absent}
	default:
		return unexpected
	}
	return nil
}
