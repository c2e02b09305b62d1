package main

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"sort"
	"sync"

	"github.com/anishathalye/porcupine"
)

// attempt is one request and its answer. Times are nanoseconds since 1970, on a clock that only goes forward.
type attempt struct {
	Operation      int    `json:"operation"` // Attempts of one operation have the same Idempotency-Key.
	Client         int    `json:"client"`
	Node           int    `json:"node"`
	Key            int    `json:"key"` // The number of the key in this run; its id is known only when it was made.
	Input          input  `json:"input"`
	Output         output `json:"output"`
	RequestID      string `json:"request_id"`
	IdempotencyKey string `json:"idempotency_key,omitempty"`
	MinPosition    int64  `json:"min_position,omitempty"`
	Call           int64  `json:"call"`
	Return         int64  `json:"return"`
	Status         int    `json:"status,omitempty"`  // None: no answer.
	Problem        string `json:"problem,omitempty"` // The end of the problem's type, or why there is no answer.
	Position       int64  `json:"position,omitempty"`
	Replayed       bool   `json:"replayed,omitempty"`
	value          string // create: the key's value, if it was shown.
}

// history is all attempts of a run, as they ended. Any goroutine.
type history struct {
	mutex    sync.Mutex
	attempts []attempt
}

func (h *history) add(a attempt) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.attempts = append(h.attempts, a)
}

// writeTo writes one JSON object a line.
func (h *history) writeTo(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	buffered := bufio.NewWriter(file)
	lines := json.NewEncoder(buffered)
	for _, a := range h.attempts {
		if err := lines.Encode(a); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// readHistory reads what writeTo wrote.
func readHistory(path string) (*history, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	h := &history{}
	for lines := json.NewDecoder(bufio.NewReader(file)); lines.More(); {
		var a attempt
		if err := lines.Decode(&a); err != nil {
			return nil, err
		}
		h.attempts = append(h.attempts, a)
	}
	return h, nil
}

// operations gives what porcupine checks, for each key.
//
// The attempts of one operation are one event in the life of its key, which lies between the first call and the last
// answer, if that answer is the result of what an earlier one did (Idempotency-Replayed). Else the last one was decided
// for itself, and those before it, of unknown outcome, may still take effect: what changes nothing leaves nothing by
// which a later attempt would be known again.
//
// `log` tells what unknown attempts came to, for histories that have too many of them to try every possibility: those
// that it has took effect, at any time after they were asked for, and the others never did. Without it (nil) either
// may be.
func (h *history) operations(log ledger) map[int][]porcupine.Operation {
	byOperation := map[int][]attempt{}
	for _, a := range h.attempts {
		if a.Output.Result != refused {
			byOperation[a.Operation] = append(byOperation[a.Operation], a)
		}
	}
	byKey := map[int][]porcupine.Operation{}
	for _, attempts := range byOperation {
		sort.Slice(attempts, func(i, j int) bool { return attempts[i].Call < attempts[j].Call })
		first, last := attempts[0], attempts[len(attempts)-1]
		doubtful := attempts
		if last.Output.Result != unknown {
			doubtful = attempts[:len(attempts)-1]
			if last.Replayed {
				last.Call, doubtful = first.Call, nil
			}
			byKey[last.Key] = append(byKey[last.Key], operationOf(last, last.Return))
		}
		if len(doubtful) == 0 || first.Input.Kind.isRead() {
			continue
		}
		if log == nil {
			first.Output = output{Result: unknown}
			byKey[first.Key] = append(byKey[first.Key], operationOf(first, never))
			continue
		}
		for _, a := range doubtful {
			if written, found := log[a.RequestID]; found {
				a.Output = written
				byKey[a.Key] = append(byKey[a.Key], operationOf(a, never))
			}
		}
	}
	for _, operations := range byKey {
		sort.Slice(operations, func(i, j int) bool { return operations[i].Call < operations[j].Call })
	}
	return byKey
}

// never is the end of what nobody was told the end of.
const never = math.MaxInt64

func operationOf(a attempt, end int64) porcupine.Operation {
	return porcupine.Operation{ClientId: a.Client, Input: a.Input, Call: a.Call, Output: a.Output, Return: end,
		Metadata: a.RequestID}
}

// statistics is what a run came to.
type statistics struct {
	Operations  int     `json:"operations"` // Of known or unknown outcome.
	Commands    int     `json:"commands"`   // Of them, those that change keys, and
	Reads       int     `json:"reads"`      // those that don't.
	Unknown     int     `json:"unknown"`    // Operations whose outcome nobody was told.
	Refused     int     `json:"refused"`    // Attempts of which nothing was written, or read.
	Replayed    int     `json:"replayed"`   // Attempts that got an earlier one's result.
	Keys        int     `json:"keys"`
	Unavailable float64 `json:"unavailable_seconds"` // The longest time in which no command was answered 2xx.
}

func (h *history) statistics() statistics {
	known, seen, keys := map[int]bool{}, map[int]bool{}, map[int]bool{}
	var s statistics
	var accepted []int64
	for _, a := range h.attempts {
		keys[a.Key] = true
		if a.Replayed {
			s.Replayed++
		}
		if a.Output.Result == refused {
			s.Refused++
			continue
		}
		if !seen[a.Operation] {
			seen[a.Operation] = true
			if a.Input.Kind.isRead() {
				s.Reads++
			} else {
				s.Commands++
			}
		}
		known[a.Operation] = known[a.Operation] || a.Output.Result != unknown
		if !a.Input.Kind.isRead() && a.Status >= 200 && a.Status < 300 {
			accepted = append(accepted, a.Return)
		}
	}
	s.Operations, s.Keys = len(seen), len(keys)
	for operation := range seen {
		if !known[operation] {
			s.Unknown++
		}
	}
	sort.Slice(accepted, func(i, j int) bool { return accepted[i] < accepted[j] })
	for i := 1; i < len(accepted); i++ {
		s.Unavailable = math.Max(s.Unavailable, float64(accepted[i]-accepted[i-1])/1e9)
	}
	return s
}
