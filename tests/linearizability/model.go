package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// What an operation asks of one key.
type kind string

const (
	create    kind = "create"
	change    kind = "change" // Renames, enables, disables, or several of these.
	remove    kind = "delete"
	get       kind = "get"    // GET of the key.
	verify    kind = "verify" // POST /v1/verify of its value.
	noVersion      = 0
)

func (k kind) isRead() bool { return k == get || k == verify }

// input is an operation as it was asked for.
type input struct {
	Kind      kind    `json:"kind"`
	Name      *string `json:"name,omitempty"`       // create, change: the wanted name.
	Enabled   *bool   `json:"enabled,omitempty"`    // create, change: the wanted state.
	IfVersion int     `json:"if_version,omitempty"` // change, delete: If-Match, or noVersion.
}

// How an operation ended.
type result string

const (
	done     result = "done"     // Carried out, or read: the output shows the key.
	absent   result = "absent"   // There is no such key (any more).
	mismatch result = "mismatch" // The key has another version than If-Match.
	unknown  result = "unknown"  // It may take effect at any time after it was asked for, or never.
	refused  result = "refused"  // The answer says that nothing was written. Never in a history.
)

// output is what came back. All but Result is there with `done` alone, and with a deletion not at all.
type output struct {
	Result  result `json:"result"`
	ID      string `json:"id,omitempty"` // create.
	Name    string `json:"name,omitempty"`
	Enabled bool   `json:"enabled,omitempty"`
	Version int    `json:"version,omitempty"`
}

// keyState is one key as it is between two operations. Comparable.
type keyState struct {
	created bool
	deleted bool
	first   output // As its creation showed it.
	name    string
	enabled bool
	version int
}

func (s keyState) isLive() bool { return s.created && !s.deleted }

// step is the specification: whether `out` may be the answer to `in` where the key is `s`, and what the key is then.
//
// An operation of unknown outcome takes effect wherever it can. That it may never do so is covered too: the history
// has it without an end, so it may come last, where nobody sees it.
func step(s keyState, in input, out output) (bool, keyState) {
	switch in.Kind {
	case create:
		return stepCreate(s, in, out)
	case change, remove:
		return stepCommand(s, in, out)
	case get, verify:
		if !s.isLive() {
			return out.Result == absent, s
		}
		return out.Result == done && shows(out, s), s
	}
	panic("no such kind: " + in.Kind)
}

func stepCreate(s keyState, in input, out output) (bool, keyState) {
	if s.created {
		// The same creation again: it is told what came of the first, whatever became of the key since.
		return out.Result == unknown || (out.Result == done && out == s.first), s
	}
	next := keyState{created: true, name: *in.Name, enabled: *in.Enabled, version: 1}
	if out.Result == unknown {
		return true, next
	}
	next.first = out
	return out.Result == done && shows(out, next), next
}

func stepCommand(s keyState, in input, out output) (bool, keyState) {
	switch {
	case !s.isLive():
		return out.Result == absent || out.Result == unknown, s
	case in.IfVersion != noVersion && in.IfVersion != s.version:
		return out.Result == mismatch || out.Result == unknown, s
	}
	next := s
	if in.Kind == remove {
		next.deleted = true
		next.version++
		return out.Result == done || out.Result == unknown, next
	}
	if in.Name != nil && *in.Name != s.name {
		next.name = *in.Name
		next.version++
	}
	if in.Enabled != nil && *in.Enabled != s.enabled {
		next.enabled = *in.Enabled
		next.version++
	}
	return out.Result == unknown || (out.Result == done && shows(out, next)), next
}

func shows(out output, s keyState) bool {
	return out.Name == s.name && out.Enabled == s.enabled && out.Version == s.version
}

// keyModel is the specification of one key, for porcupine.
func keyModel() porcupine.Model {
	return porcupine.Model{
		Init: func() interface{} { return keyState{} },
		Step: func(state, in, out interface{}) (bool, interface{}) {
			ok, next := step(state.(keyState), in.(input), out.(output))
			return ok, next
		},
		DescribeOperation: func(in, out interface{}) string { return describe(in.(input), out.(output)) },
		DescribeState:     func(state interface{}) string { return state.(keyState).String() },
	}
}

func (s keyState) String() string {
	switch {
	case !s.created:
		return "absent"
	case s.deleted:
		return "deleted"
	}
	return fmt.Sprintf("v%d %s %s", s.version, s.name, enabledWord(s.enabled))
}

func describe(in input, out output) string {
	text := string(in.Kind)
	if in.Name != nil {
		text += " name=" + *in.Name
	}
	if in.Enabled != nil {
		text += " " + enabledWord(*in.Enabled)
	}
	if in.IfVersion != noVersion {
		text += fmt.Sprintf(" if v%d", in.IfVersion)
	}
	text += " → " + string(out.Result)
	if out.Version != 0 {
		text += fmt.Sprintf(" v%d %s %s", out.Version, out.Name, enabledWord(out.Enabled))
	}
	return text
}

func enabledWord(enabled bool) string {
	if enabled {
		return "enabled"
	}
	return "disabled"
}
