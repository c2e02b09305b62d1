package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	checkWithin = 60 * time.Second // For one key.
	// Without the log's help, which takes for ever where many outcomes are unknown.
	checkAloneWithin = 2 * time.Second
	mostUnknown      = 12
)

// check says which keys' histories are not linearizable, or can't be told to be; for each it writes porcupine's picture
// into `directory`. `alone` is what the clients know, `helped` the same with what the log tells of unknown outcomes. It
// tells too how many keys could be judged by what the clients know.
func check(alone, helped map[int][]porcupine.Operation, directory string) (wrong []string, judgedAlone int) {
	for _, key := range sortedKeys(alone) {
		verdict := porcupine.Unknown
		if unknownOnes(alone[key]) <= mostUnknown {
			verdict = porcupine.CheckOperationsTimeout(keyModel(), alone[key], checkAloneWithin)
		}
		operations := alone[key]
		if verdict != porcupine.Unknown {
			judgedAlone++
		}
		if verdict != porcupine.Illegal {
			operations = helped[key]
			verdict = porcupine.CheckOperationsTimeout(keyModel(), operations, checkWithin)
		}
		if verdict == porcupine.Ok {
			continue
		}
		text := fmt.Sprintf("key %d: %d operations are not linearizable", key, len(operations))
		if verdict == porcupine.Unknown {
			text = fmt.Sprintf("key %d: %d operations could not be checked in %s", key, len(operations), checkWithin)
		}
		wrong = append(wrong, text+picture(operations, directory, key))
	}
	return wrong, judgedAlone
}

func unknownOnes(operations []porcupine.Operation) int {
	count := 0
	for _, operation := range operations {
		if operation.Output.(output).Result == unknown {
			count++
		}
	}
	return count
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
