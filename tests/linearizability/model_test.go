package main

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/anishathalye/porcupine"
)

func text(s string) *string { return &s }
func flagged(b bool) *bool  { return &b }

var (
	made     = input{Kind: create, Name: text("a"), Enabled: flagged(true)}
	asMade   = output{Result: done, ID: "key_1", Name: "a", Enabled: true, Version: 1}
	disable  = input{Kind: change, Enabled: flagged(false)}
	enable   = input{Kind: change, Enabled: flagged(true)}
	asksKey  = input{Kind: get}
	asksHold = input{Kind: verify}
	gone     = output{Result: absent}
	lost     = output{Result: unknown}
)

func shown(name string, enabled bool, version int) output {
	return output{Result: done, Name: name, Enabled: enabled, Version: version}
}

// op lasts from call to end; 0 as its end is none.
func op(call, end int64, in input, out output) porcupine.Operation {
	if end == 0 {
		end = math.MaxInt64
	}
	return porcupine.Operation{Input: in, Output: out, Call: call, Return: end}
}

func TestModel(t *testing.T) {
	cases := []struct {
		sentence string
		right    bool
		history  []porcupine.Operation
	}{
		{"one after the other", true, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 4, disable, shown("a", false, 2)), op(5, 6, asksKey, shown("a", false, 2)),
			op(7, 8, enable, shown("a", true, 3)), op(9, 10, asksHold, shown("a", true, 3)),
			op(11, 12, input{Kind: remove}, output{Result: done}), op(13, 14, asksHold, gone), op(15, 16, enable, gone)}},
		{"a read beside a command may show either", true, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 10, disable, shown("a", false, 2)), op(4, 5, asksKey, shown("a", true, 1)),
			op(6, 7, asksKey, shown("a", false, 2))}},
		{"but not the new one first and then the old one", false, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 10, disable, shown("a", false, 2)), op(4, 5, asksKey, shown("a", false, 2)),
			op(6, 7, asksKey, shown("a", true, 1))}},
		{"a read after an acknowledgement shows it", false, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 4, disable, shown("a", false, 2)), op(5, 6, asksHold, shown("a", true, 1))}},
		{"an acknowledged change is not lost", false, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 4, disable, shown("a", false, 2)), op(5, 6, asksKey, shown("a", true, 3))}},
		{"an acknowledged creation is not lost", false, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 4, asksKey, gone)}},
		{"nothing is there before it is made", false, []porcupine.Operation{
			op(1, 2, asksKey, shown("a", true, 1)), op(3, 4, made, asMade)}},
		{"a creation that is repeated gets the first answer", true, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 4, disable, shown("a", false, 2)), op(5, 6, made, asMade)}},
		{"and no second key", false, []porcupine.Operation{
			op(1, 2, made, asMade),
			op(3, 4, made, output{Result: done, ID: "key_2", Name: "a", Enabled: true, Version: 1})}},
		{"a deleted key stays deleted", false, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 4, input{Kind: remove}, output{Result: done}),
			op(5, 6, asksHold, shown("a", true, 1))}},
		{"a key is deleted once", false, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 4, input{Kind: remove}, output{Result: done}),
			op(5, 6, input{Kind: remove}, output{Result: done})}},
		{"what is unknown may have happened", true, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 0, disable, lost), op(5, 6, asksKey, shown("a", false, 2))}},
		{"or never happen", true, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 0, disable, lost), op(5, 6, asksKey, shown("a", true, 1))}},
		{"or happen later", true, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 0, disable, lost), op(5, 6, asksKey, shown("a", true, 1)),
			op(7, 8, asksKey, shown("a", false, 2))}},
		{"but not twice", false, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 0, disable, lost), op(5, 6, asksKey, shown("a", false, 2)),
			op(7, 8, enable, shown("a", true, 3)), op(9, 10, asksKey, shown("a", false, 4))}},
		{"and not before it was asked for", false, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 4, asksKey, shown("a", false, 2)), op(5, 0, disable, lost)}},
		{"a version is changed only if it is the wanted one", true, []porcupine.Operation{
			op(1, 2, made, asMade),
			op(3, 4, input{Kind: change, Name: text("b"), IfVersion: 1}, shown("b", true, 2)),
			op(5, 6, input{Kind: change, Name: text("c"), IfVersion: 1}, output{Result: mismatch})}},
		{"two can't both change the same version", false, []porcupine.Operation{
			op(1, 2, made, asMade),
			op(3, 8, input{Kind: change, Name: text("b"), IfVersion: 1}, shown("b", true, 2)),
			op(4, 9, input{Kind: change, Name: text("c"), IfVersion: 1}, shown("c", true, 2))}},
		{"what changes nothing tells the truth too", false, []porcupine.Operation{
			op(1, 2, made, asMade), op(3, 4, disable, shown("a", false, 2)), op(5, 6, enable, shown("a", true, 1))}},
	}
	for _, one := range cases {
		if porcupine.CheckOperations(keyModel(), one.history) != one.right {
			t.Errorf("%s: should be right: %v", one.sentence, one.right)
		}
	}
}

func TestOperations(t *testing.T) {
	recorded := &history{attempts: []attempt{
		{Operation: 1, Key: 1, Input: made, Output: lost, Call: 1, Return: 2},
		{Operation: 1, Key: 1, Input: made, Output: output{Result: refused}, Call: 3, Return: 4},
		{Operation: 1, Key: 1, Input: made, Output: asMade, Call: 5, Return: 6, Replayed: true, Status: 201},
		{Operation: 2, Key: 1, Input: disable, Output: lost, Call: 7, Return: 8},
		{Operation: 2, Key: 1, Input: disable, Output: shown("a", false, 2), Call: 9, Return: 10, Status: 200},
		{Operation: 3, Key: 1, Input: enable, Output: output{Result: refused}, Call: 11, Return: 12},
		{Operation: 4, Key: 1, Input: asksKey, Output: lost, Call: 13, Return: 14},
	}}
	operations := recorded.operations(nil)[1]
	want := []porcupine.Operation{
		op(1, 6, made, asMade),  // An earlier attempt did it, the last one was told.
		op(7, 0, disable, lost), // The last one was decided for itself, so this may still be to come.
		op(9, 10, disable, shown("a", false, 2)),
	}
	if len(operations) != len(want) {
		t.Fatalf("%+v", operations)
	}
	for i := range want {
		got := operations[i]
		if got.Call != want[i].Call || got.Return != want[i].Return || got.Output != want[i].Output {
			t.Errorf("%d: %+v", i, got)
		}
	}
	helped := recorded.operations(ledger{})[1]
	if len(helped) != 2 || helped[1].Call != 9 {
		t.Errorf("the log has nothing of what is unknown: %+v", helped)
	}
	s := recorded.statistics()
	if s.Operations != 3 || s.Refused != 2 || s.Unknown != 1 || s.Keys != 1 {
		t.Errorf("%+v", s)
	}
}

func TestLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	lines := `{"type":"keyledger.LedgerCreated","data":{"actor":{"subject":"keyledger"}}}
{"type":"keyledger.KeyCreated","subject":"key_1","keyversion":1,"data":{"name":"a","enabled":true,"actor":{"request_id":"r1"}}}
{"type":"keyledger.KeyRenamed","subject":"key_1","keyversion":2,"data":{"name":"b","actor":{"request_id":"r2"}}}
{"type":"keyledger.KeyDisabled","subject":"key_1","keyversion":3,"data":{"actor":{"request_id":"r2"}}}
{"type":"keyledger.KeyDeleted","subject":"key_1","keyversion":4,"data":{"actor":{"request_id":"r3"}}}
`
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := readLedger(path)
	want := ledger{"r1": asMade, "r2": shown("b", false, 3), "r3": output{Result: done}}
	if err != nil || !reflect.DeepEqual(log, want) {
		t.Errorf("%v %+v", err, log)
	}
}

func TestEveryLieIsNoticed(t *testing.T) {
	right := map[int][]porcupine.Operation{1: {
		op(1, 2, made, asMade), op(3, 4, disable, shown("a", false, 2)), op(5, 6, asksKey, shown("a", false, 2)),
		op(7, 8, input{Kind: change, Name: text("b")}, shown("b", false, 3)), op(9, 10, asksHold, shown("b", false, 3))}}
	if wrong, _ := check(right, right, ""); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if missed := undetected(right); len(missed) > 0 {
		t.Error(missed)
	}
	for _, lie := range lies {
		told := map[int][]porcupine.Operation{1: append([]porcupine.Operation{}, right[1]...)}
		if err := corrupt(told, lie.name); err != nil {
			t.Error(err)
		}
		directory := t.TempDir()
		if wrong, _ := check(right, told, directory); len(wrong) != 1 {
			t.Errorf("%s: %v", lie.name, wrong)
		}
	}
}
