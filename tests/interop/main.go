// An auditor made of others' programs: x/mod's note, transparency-dev's formats and merkle, tessera's client and fsck,
// and torchwood. Verifies a log that a node serves, or that was exported, with nothing but its verifier key.
//
// usage: interop --vkey KEY (--url URL --token TOKEN | --dir DIRECTORY) [--since CHECKPOINT] [--mirror FILE]
// [--proof FILE]...
//
// Prints a line for each check, "ok NAME" or "failed NAME: why", and ends with 0 if all are ok, else with 1.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	vkey := flag.String("vkey", "", "what keyledger audit vkey prints")
	url := flag.String("url", "", "where a node serves the log: http://…/tlog/")
	token := flag.String("token", "", "a bearer token")
	dir := flag.String("dir", "", "where the log was exported to")
	since := flag.String("since", "", "a checkpoint that was kept")
	mirror := flag.String("mirror", "", "where all entries are copied to")
	var proofs []string
	flag.Func("proof", "a file with a proof", func(file string) error {
		proofs = append(proofs, file)
		return nil
	})
	flag.Parse()

	verifier, err := note.NewVerifier(*vkey)
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop: --vkey:", err)
		os.Exit(2)
	}
	from, err := served(*url, *token)
	if *dir != "" {
		from, err = exported(*dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(2)
	}

	ctx := context.Background()
	audit := &auditor{source: from, verifier: verifier}
	failures := 0
	check := func(name string, err error) bool {
		if err == nil {
			fmt.Println("ok", name)
			return true
		}
		failures++
		fmt.Printf("failed %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
		return false
	}
	if !check("checkpoint", audit.checkpoint(ctx)) {
		os.Exit(1)
	}
	check("inclusion", audit.inclusion(ctx))
	if *since != "" {
		check("consistency", audit.consistency(ctx, *since))
	}
	if *mirror != "" {
		check("mirror", audit.mirror(ctx, *mirror))
	}
	check("fsck", audit.fsck(ctx))
	for _, file := range proofs {
		raw, err := os.ReadFile(file)
		if err == nil {
			err = audit.proof(raw)
		}
		check("proof", err)
	}
	if failures > 0 {
		os.Exit(1)
	}
}
