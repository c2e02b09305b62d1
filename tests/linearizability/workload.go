package main

import (
	"fmt"
	"math/rand"
	"sync"
	"time"
)

const (
	sharedKeys      = 8   // Keys that all clients work on at a time.
	operationsOfKey = 150 // After so many a key is left alone: longer histories take long to check.
	retryWithin     = 60 * time.Second
)

// trackedKey is a key as clients know it. Guarded by pool.
type trackedKey struct {
	number  int
	id      string
	value   string
	version int // That an answer showed last: a guess for If-Match.
	used    int
}

// pool is the keys that the clients share. Any goroutine.
type pool struct {
	mutex   sync.Mutex
	shared  []*trackedKey
	all     []*trackedKey // Also those that are left alone.
	counted int
}

func (p *pool) nextNumber() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.counted++
	return p.counted
}

func (p *pool) add(key *trackedKey) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.shared = append(p.shared, key)
	p.all = append(p.all, key)
}

// pick gives one of the shared keys as it is known now, and whether there are enough of them.
func (p *pool) pick(random *rand.Rand) (trackedKey, bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.shared) == 0 || (len(p.shared) < sharedKeys && random.Intn(4) == 0) {
		return trackedKey{}, false
	}
	i := random.Intn(len(p.shared))
	key := p.shared[i]
	key.used++
	if key.used > operationsOfKey {
		p.shared = append(p.shared[:i], p.shared[i+1:]...)
	}
	return *key, true
}

// saw remembers what an answer showed of a key. One that is deleted needn't be looked at for long, and one of which much
// is unknown takes long to check.
func (p *pool) saw(number int, a *attempt) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, key := range p.shared {
		if key.number != number {
			continue
		}
		if a.Output.Version > key.version {
			key.version = a.Output.Version
		}
		if a.Output.Result == absent || a.Output.Result == unknown {
			key.used += 10
		}
	}
}

// client gives one operation after the other.
type client struct {
	number     int
	random     *rand.Rand
	deployment *deployment
	pool       *pool
	history    *history
	fail       func(error)
	operations int
	acked      []attempt // With an Idempotency-Key and of known outcome: to be sent again now and then.
}

// next gives one random operation and sees it to its end.
func (c *client) next() {
	if len(c.acked) > 0 && c.random.Intn(40) == 0 {
		c.repeat(c.acked[c.random.Intn(len(c.acked))])
		return
	}
	key, found := c.pool.pick(c.random)
	if !found {
		c.create()
		return
	}
	a := attempt{Key: key.number, Input: c.wish(key)}
	if !a.Input.Kind.isRead() && c.random.Intn(10) < 6 {
		a.IdempotencyKey = c.newIdempotencyKey()
	}
	c.carryOut(&a, key.id, key.value)
}

func (c *client) wish(key trackedKey) input {
	chance := c.random.Intn(100)
	switch {
	case chance < 24:
		return input{Kind: get}
	case chance < 48:
		return input{Kind: verify}
	case chance < 50:
		return input{Kind: remove, IfVersion: c.guess(key)}
	}
	in := input{Kind: change, IfVersion: c.guess(key)}
	if chance < 66 || chance >= 96 {
		name := c.newName()
		in.Name = &name
	}
	if chance >= 66 {
		enabled := c.random.Intn(2) == 0
		in.Enabled = &enabled
	}
	return in
}

// guess gives a version for If-Match, as a rule none.
func (c *client) guess(key trackedKey) int {
	if c.random.Intn(8) == 0 {
		return key.version
	}
	return noVersion
}

func (c *client) create() {
	key := trackedKey{number: c.pool.nextNumber(), version: 1}
	name, enabled := c.newName(), c.random.Intn(8) != 0
	a := attempt{Key: key.number, Input: input{Kind: create, Name: &name, Enabled: &enabled}}
	if c.random.Intn(4) != 0 {
		a.IdempotencyKey = c.newIdempotencyKey()
	}
	c.carryOut(&a, "", "")
	if a.Output.Result == done {
		key.id, key.value = a.Output.ID, a.value
		c.pool.add(&key)
	}
}

func (c *client) newName() string {
	return fmt.Sprintf("n%d-%d", c.number, c.random.Intn(1e6))
}

func (c *client) newIdempotencyKey() string {
	return fmt.Sprintf("%s-c%d-%d", c.deployment.run, c.number, c.operations)
}

// carryOut sends `a`, and where it has an Idempotency-Key and its outcome stays unknown sends it again, as a rule at
// another node, until it is known. Now and then nobody asks again, as clients die too. `a` is then the last attempt.
func (c *client) carryOut(a *attempt, id, value string) {
	c.operations++
	a.Client, a.Operation = c.number, c.number*1e6+c.operations
	for give := time.Now().Add(retryWithin); ; {
		a.Node, a.Output, a.Replayed = c.random.Intn(len(c.deployment.urls)), output{}, false
		a.Status, a.Position, a.Problem = 0, 0, ""
		patience := []time.Duration{time.Second, 3 * time.Second, 12 * time.Second}[c.random.Intn(3)]
		if err := c.deployment.ask(a, question{id: id, value: value, within: patience}); err != nil {
			c.fail(err)
		}
		c.history.add(*a)
		c.pool.saw(a.Key, a)
		if a.Output.Result == refused {
			time.Sleep(time.Duration(20+c.random.Intn(60)) * time.Millisecond)
		}
		if a.Output.Result == unknown && a.IdempotencyKey == "" && !a.Input.Kind.isRead() {
			// Patience: else an outage is a flood of commands that take long to check.
			time.Sleep(time.Duration(c.random.Intn(500)) * time.Millisecond)
		}
		isKnown := a.Output.Result != unknown && a.Output.Result != refused
		if isKnown && a.IdempotencyKey != "" && a.Output.Result == done && len(c.acked) < 200 {
			c.acked = append(c.acked, *a)
		}
		if isKnown || a.IdempotencyKey == "" || time.Now().After(give) || c.random.Intn(12) == 0 {
			return
		}
	}
}

// repeat sends again what was carried out already: it must get the first answer, or be decided anew if it left nothing.
func (c *client) repeat(first attempt) {
	c.operations++
	again := attempt{Client: c.number, Operation: c.number*1e6 + c.operations, Key: first.Key, Input: first.Input,
		IdempotencyKey: first.IdempotencyKey, Node: c.random.Intn(len(c.deployment.urls))}
	id := c.pool.idOf(first.Key)
	if err := c.deployment.ask(&again, question{id: id, within: 5 * time.Second}); err != nil {
		c.fail(err)
	}
	// What changed nothing leaves no event, and is decided anew: a later repetition may then be that one's.
	if again.Replayed && first.Input.Kind != change && again.Output != first.Output {
		c.fail(fmt.Errorf("%s repeats %s and got another answer: %+v, then %+v", again.RequestID, first.RequestID,
			first.Output, again.Output))
	}
	if again.Replayed && first.Input.Kind != create {
		// What it shows is how the key was when it was carried out.
		return
	}
	c.history.add(again)
}

func (p *pool) idOf(number int) string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, key := range p.all {
		if key.number == number {
			return key.id
		}
	}
	return ""
}

// readAll reads every key at every node, when nothing is done to them any more. False: some answered nothing.
func (c *client) readAll() bool {
	for _, key := range c.pool.all {
		for node := range c.deployment.urls {
			for _, kind := range []kind{get, verify} {
				if kind == verify && key.value == "" {
					continue
				}
				if !c.readAt(node, *key, kind) {
					return false
				}
			}
		}
	}
	return true
}

func (c *client) readAt(node int, key trackedKey, what kind) bool {
	for give := time.Now().Add(retryWithin); time.Now().Before(give); time.Sleep(100 * time.Millisecond) {
		c.operations++
		a := attempt{Client: c.number, Operation: c.number*1e6 + c.operations, Key: key.number, Node: node,
			Input: input{Kind: what}}
		if err := c.deployment.ask(&a, question{id: key.id, value: key.value, within: 10 * time.Second}); err != nil {
			c.fail(err)
		}
		c.history.add(a)
		if a.Output.Result == done || a.Output.Result == absent {
			return true
		}
	}
	c.fail(fmt.Errorf("node %d doesn't answer a %s in %s", node, what, retryWithin))
	return false
}
