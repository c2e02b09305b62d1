package main

import (
	"bufio"
	"encoding/json"
	"os"
)

// ledger is what the log has of each request that left something in it, by request id: as its answer would have been.
type ledger map[string]output

// event is what is looked at of a line that `keyledger replay` prints.
type event struct {
	Type       string `json:"type"`
	Subject    string `json:"subject"`
	KeyVersion int    `json:"keyversion"`
	Data       struct {
		Name    string `json:"name"`
		Enabled bool   `json:"enabled"`
		Actor   struct {
			RequestID string `json:"request_id"`
		} `json:"actor"`
	} `json:"data"`
}

// readLedger folds what `keyledger replay` printed.
func readLedger(path string) (ledger, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	log, keys := ledger{}, map[string]output{}
	for lines := json.NewDecoder(bufio.NewReader(file)); lines.More(); {
		var e event
		if err := lines.Decode(&e); err != nil {
			return nil, err
		}
		if e.Subject == "" {
			continue
		}
		key := keys[e.Subject]
		key.Result, key.ID, key.Version = done, "", e.KeyVersion
		switch e.Type {
		case "keyledger.KeyCreated":
			key.ID, key.Name, key.Enabled = e.Subject, e.Data.Name, e.Data.Enabled
		case "keyledger.KeyRenamed":
			key.Name = e.Data.Name
		case "keyledger.KeyEnabled":
			key.Enabled = true
		case "keyledger.KeyDisabled":
			key.Enabled = false
		}
		keys[e.Subject] = key
		if e.Type == "keyledger.KeyDeleted" {
			key = output{Result: done}
		}
		log[e.Data.Actor.RequestID] = key
	}
	return log, nil
}
