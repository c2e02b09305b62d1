package main

import (
	"fmt"
	"sort"

	"github.com/anishathalye/porcupine"
)

// A lie is what a broken service would have led to: a change of a history that makes it wrong. It gives false where
// `operations` has nothing at `i` of which it could be told.
type lie struct {
	name string
	tell func(operations []porcupine.Operation, i int) ([]porcupine.Operation, bool)
}

var lies = []lie{
	// What was acknowledged is lost: a disabling never happened.
	{"lost-disable", func(operations []porcupine.Operation, i int) ([]porcupine.Operation, bool) {
		in, out := operations[i].Input.(input), operations[i].Output.(output)
		if in.Kind != change || in.Enabled == nil || *in.Enabled || out.Result != done {
			return nil, false
		}
		return append(append([]porcupine.Operation{}, operations[:i]...), operations[i+1:]...), true
	}},
	// A read that was asked after a change was acknowledged shows the key as it was before.
	{"stale-read", func(operations []porcupine.Operation, i int) ([]porcupine.Operation, bool) {
		out := operations[i].Output.(output)
		if !operations[i].Input.(input).Kind.isRead() || out.Result != done || out.Version < 2 {
			return nil, false
		}
		for _, older := range operations {
			shown := older.Output.(output)
			if older.Return < operations[i].Call && shown.Result == done && shown.Version == out.Version-1 {
				changed := append([]porcupine.Operation{}, operations...)
				changed[i].Output = output{Result: done, Name: shown.Name, Enabled: shown.Enabled, Version: shown.Version}
				return changed, true
			}
		}
		return nil, false
	}},
	// A creation that is repeated makes a second key.
	{"doubled-create", func(operations []porcupine.Operation, i int) ([]porcupine.Operation, bool) {
		out := operations[i].Output.(output)
		if operations[i].Input.(input).Kind != create || out.Result != done {
			return nil, false
		}
		second := operations[i]
		out.ID += "-2"
		second.Output = out
		second.Call, second.Return = operations[i].Return+1, operations[i].Return+2
		return append(append([]porcupine.Operation{}, operations...), second), true
	}},
	// What was refused because nothing was written was written.
	{"false-refusal", func(operations []porcupine.Operation, i int) ([]porcupine.Operation, bool) {
		in, out := operations[i].Input.(input), operations[i].Output.(output)
		if in.Kind != change || in.Name == nil || out.Result != done {
			return nil, false
		}
		return append(append([]porcupine.Operation{}, operations[:i]...), operations[i+1:]...), true
	}},
}

// undetected tells each lie of a right history, about another operation each time, until the checker notices; and
// gives the names of those that it never noticed, or that couldn't be told.
//
// Not every lie can be noticed: the last change of a key that nobody looked at again may as well not have been.
func undetected(byKey map[int][]porcupine.Operation) []string {
	const most = 20
	var missed []string
	for _, lie := range lies {
		told, noticed := 0, false
		for _, key := range sortedKeys(byKey) {
			for i := 0; i < len(byKey[key]) && told < most && !noticed; i++ {
				changed, possible := lie.tell(byKey[key], i)
				if !possible {
					continue
				}
				told++
				sort.SliceStable(changed, func(i, j int) bool { return changed[i].Call < changed[j].Call })
				noticed = porcupine.CheckOperationsTimeout(keyModel(), changed, checkWithin) == porcupine.Illegal
			}
		}
		if !noticed {
			missed = append(missed, fmt.Sprintf("%s (told %d times)", lie.name, told))
		}
	}
	return missed
}

// corrupt tells the lie `name` of one key, of which the checker can notice it.
func corrupt(byKey map[int][]porcupine.Operation, name string) error {
	for _, lie := range lies {
		if lie.name != name {
			continue
		}
		for _, key := range sortedKeys(byKey) {
			for i := range byKey[key] {
				changed, possible := lie.tell(byKey[key], i)
				if possible && porcupine.CheckOperationsTimeout(keyModel(), changed, checkWithin) != porcupine.Ok {
					byKey[key] = changed
					return nil
				}
			}
		}
		return fmt.Errorf("the history has nothing of which %s could be told", name)
	}
	return fmt.Errorf("no such lie: %s", name)
}
