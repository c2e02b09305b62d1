// How many entries a second Tessera's own POSIX driver takes into a log. For bench/merkle.
//
// usage: tessera_posix DIRECTORY ENTRIES BYTES
//
// Adds entries of random bytes as fast as they are taken, in batches of 4096, and prints the seconds until all of them
// are in a published checkpoint.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "tessera_posix:", err)
		os.Exit(1)
	}
	return value
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: tessera_posix DIRECTORY ENTRIES BYTES")
		os.Exit(2)
	}
	count, bytes := must(strconv.Atoi(os.Args[2])), must(strconv.Atoi(os.Args[3]))
	secret, public, err := note.GenerateKey(rand.Reader, "example.com/log")
	must(0, err)
	signer, verifier := must(note.NewSigner(secret)), must(note.NewVerifier(public))

	ctx := context.Background()
	driver := must(posix.New(ctx, posix.Config{Path: os.Args[1]}))
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).WithBatching(4096, 100*time.Millisecond).
		WithCheckpointInterval(time.Second).WithPushback(16384))
	must(0, err)

	entries := make([][]byte, count)
	for i := range entries {
		entries[i] = make([]byte, bytes)
		must(rand.Read(entries[i]))
	}
	began := time.Now()
	const window = 8192
	futures := make([]tessera.IndexFuture, 0, count)
	for i, entry := range entries {
		futures = append(futures, appender.Add(ctx, tessera.NewEntry(entry)))
		if i >= window {
			must(futures[i-window]())
		}
	}
	for _, future := range futures[max(0, count-window):] {
		must(future())
	}
	for {
		raw, err := reader.ReadCheckpoint(ctx)
		if err == nil {
			checkpoint, _, _, err := log.ParseCheckpoint(raw, "example.com/log", verifier)
			must(0, err)
			if checkpoint.Size >= uint64(count) {
				break
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	fmt.Printf("%.3f\n", time.Since(began).Seconds())
	must(0, shutdown(ctx))
}
