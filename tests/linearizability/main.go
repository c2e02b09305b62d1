// Command linearizability gives random commands to several nodes of one keyledger, reads what became of them, and lets
// porcupine judge whether all of that could have happened one after the other.
//
// It goes on until its standard input ends, then reads every key at every node, and prints what it found. It exits with
// 0 when all was well, with 1 when not.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

type options struct {
	nodes     string
	account   string
	token     string
	clients   int
	seed      int64
	pause     time.Duration
	directory string
	lie       string
}

func main() {
	var o options
	flag.StringVar(&o.nodes, "nodes", "", "URLs of the nodes, with commas between them")
	flag.StringVar(&o.account, "account", "linear", "the account whose keys these are")
	flag.StringVar(&o.token, "token", "", "a token of that account")
	flag.IntVar(&o.clients, "clients", 10, "how many ask at the same time")
	flag.Int64Var(&o.seed, "seed", 1, "of the random choices")
	flag.DurationVar(&o.pause, "pause", 20*time.Millisecond, "between two operations of a client, on average")
	flag.StringVar(&o.directory, "directory", ".", "where history.jsonl, summary.json and pictures are written")
	flag.StringVar(&o.lie, "lie", "", "record something wrong, which must be found: lost-disable, stale-read, …")
	flag.Parse()
	wrong, err := run(o)
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	for _, text := range wrong {
		fmt.Println("WRONG:", text)
	}
	if len(wrong) > 0 {
		os.Exit(1)
	}
}

// run gives what was wrong.
func run(o options) ([]string, error) {
	nodes := strings.Split(o.nodes, ",")
	if o.nodes == "" || o.token == "" {
		return nil, fmt.Errorf("-nodes and -token are needed")
	}
	var wrong failures
	d := newDeployment(nodes, o.account, o.token, fmt.Sprintf("r%d", time.Now().UnixNano()))
	keys, recorded := &pool{}, &history{}
	newClient := func(number int) *client {
		return &client{number: number, random: rand.New(rand.NewSource(o.seed*1000 + int64(number))), deployment: d,
			pool: keys, history: recorded, fail: wrong.add}
	}
	drive(o, newClient)
	newClient(o.clients).readAll()

	if err := recorded.writeTo(filepath.Join(o.directory, "history.jsonl")); err != nil {
		return wrong.texts, err
	}
	numbers := recorded.statistics()
	if err := writeJSON(filepath.Join(o.directory, "summary.json"), numbers); err != nil {
		return wrong.texts, err
	}
	fmt.Printf("%d operations on %d keys (%d commands, %d reads), %d of unknown outcome, %d attempts refused, "+
		"%d answered again, %.1f s unavailable at most\n", numbers.Operations, numbers.Keys, numbers.Commands, numbers.Reads,
		numbers.Unknown, numbers.Refused, numbers.Replayed, numbers.Unavailable)

	byKey := recorded.operations()
	if o.lie != "" {
		if err := corrupt(byKey, o.lie); err != nil {
			return wrong.texts, err
		}
	}
	began := time.Now()
	notLinearizable := check(byKey, filepath.Join(o.directory, "pictures"))
	fmt.Printf("porcupine took %.1f s\n", time.Since(began).Seconds())
	wrong.texts = append(wrong.texts, notLinearizable...)
	if len(notLinearizable) == 0 {
		for _, missed := range undetected(byKey) {
			wrong.texts = append(wrong.texts, "the checker doesn't notice "+missed)
		}
	}
	return wrong.texts, nil
}

// drive lets the clients work until standard input ends.
func drive(o options, newClient func(int) *client) {
	end := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(end)
	}()
	var clients sync.WaitGroup
	for number := 0; number < o.clients; number++ {
		clients.Add(1)
		go func(c *client) {
			defer clients.Done()
			for {
				c.next()
				select {
				case <-end:
					return
				case <-time.After(time.Duration(c.random.Int63n(int64(2*o.pause) + 1))):
				}
			}
		}(newClient(number))
	}
	clients.Wait()
}

// failures is answers that must never be given. Any goroutine.
type failures struct {
	mutex sync.Mutex
	texts []string
}

func (f *failures) add(err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.texts = append(f.texts, err.Error())
}

func writeJSON(path string, what interface{}) error {
	text, err := json.MarshalIndent(what, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
