// Command linearizability gives random commands to several nodes of one keyledger, reads what became of them, and lets
// porcupine judge whether all of that could have happened one after the other.
//
// As it is started it asks until its standard input ends, then reads every key at every node, and writes down what it
// was told. With -judge it asks nobody, and judges what was written down. It exits with 0 when all is well, with 1 when
// not.
package main

import (
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
	judge     string
	log       string
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
	flag.StringVar(&o.directory, "directory", ".", "where history.jsonl and pictures are written")
	flag.StringVar(&o.judge, "judge", "", "a history.jsonl to be judged")
	flag.StringVar(&o.log, "log", "", "what `keyledger replay` printed: tells what unknown outcomes were")
	flag.StringVar(&o.lie, "lie", "", "falsify the history before it is judged: lost-disable, stale-read, …")
	flag.Parse()
	work := record
	if o.judge != "" {
		work = judge
	}
	wrong, err := work(o)
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

// record lets the clients work, and writes down what they did. Like judge, it gives what was wrong.
func record(o options) ([]string, error) {
	if o.nodes == "" || o.token == "" {
		return nil, fmt.Errorf("-nodes and -token are needed")
	}
	var wrong failures
	d := newDeployment(strings.Split(o.nodes, ","), o.account, o.token, fmt.Sprintf("r%d", time.Now().UnixNano()))
	keys, recorded := &pool{}, &history{}
	newClient := func(number int) *client {
		return &client{number: number, random: rand.New(rand.NewSource(o.seed*1000 + int64(number))), deployment: d,
			pool: keys, history: recorded, fail: wrong.add}
	}
	drive(o, newClient)
	newClient(o.clients).readAll()
	return wrong.texts, recorded.writeTo(filepath.Join(o.directory, "history.jsonl"))
}

// judge says what was wrong with what was written down.
func judge(o options) ([]string, error) {
	recorded, err := readHistory(o.judge)
	if err != nil {
		return nil, err
	}
	var log ledger
	if o.log != "" {
		if log, err = readLedger(o.log); err != nil {
			return nil, err
		}
	}
	s := recorded.statistics()
	fmt.Printf("%d operations on %d keys (%d commands, %d reads), %d of unknown outcome, %d attempts refused, "+
		"%d answered again, unavailable for %.1f s at most\n", s.Operations, s.Keys, s.Commands, s.Reads, s.Unknown,
		s.Refused, s.Replayed, s.Unavailable)
	alone, helped := recorded.operations(nil), recorded.operations(log)
	if o.lie != "" {
		if err := corrupt(helped, o.lie); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	wrong, judgedAlone := check(alone, helped, filepath.Join(o.directory, "pictures"))
	fmt.Printf("porcupine took %.1f s, and could judge %d of %d keys without the log\n", time.Since(began).Seconds(),
		judgedAlone, s.Keys)
	if len(wrong) == 0 {
		for _, missed := range undetected(helped) {
			wrong = append(wrong, "the checker doesn't notice "+missed)
		}
	}
	return wrong, nil
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
