package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

const checkWithin = 60 * time.Second // For one key.

// check says of which keys the history is not linearizable, or can't be told to be; for each it writes porcupine's
// picture into `directory`.
func check(byKey map[int][]porcupine.Operation, directory string) []string {
	var wrong []string
	for _, key := range sortedKeys(byKey) {
		model := keyModel()
		verdict := porcupine.CheckOperationsTimeout(model, byKey[key], checkWithin)
		if verdict == porcupine.Ok {
			continue
		}
		text := fmt.Sprintf("key %d: %d operations are not linearizable", key, len(byKey[key]))
		if verdict == porcupine.Unknown {
			text = fmt.Sprintf("key %d: %d operations could not be checked in %s", key, len(byKey[key]), checkWithin)
		}
		wrong = append(wrong, text+picture(byKey[key], directory, key))
	}
	return wrong
}

func sortedKeys(byKey map[int][]porcupine.Operation) []int {
	var keys []int
	for key := range byKey {
		keys = append(keys, key)
	}
	sort.Ints(keys)
	return keys
}

// picture writes porcupine's HTML and says where it is.
func picture(operations []porcupine.Operation, directory string, key int) string {
	if directory == "" {
		return ""
	}
	model := keyModel()
	_, information := porcupine.CheckOperationsVerbose(model, operations, checkWithin)
	path := filepath.Join(directory, fmt.Sprintf("key-%d.html", key))
	err := os.MkdirAll(directory, 0o755)
	if err == nil {
		err = porcupine.VisualizePath(model, information, path)
	}
	if err != nil {
		return fmt.Sprintf(" (no picture: %v)", err)
	}
	return " (see " + path + ")"
}
