package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// fsck may never return from a log that was tampered with.
const fsckWithin = 30 * time.Second

// One log, and the checkpoint of it that was opened.
type auditor struct {
	source   *source
	verifier note.Verifier
	latest   *log.Checkpoint
}

// The checkpoint in `raw`: by x/mod's note, then by transparency-dev's formats, which must agree.
func (a *auditor) open(raw []byte) (*log.Checkpoint, error) {
	opened, err := note.Open(raw, note.VerifierList(a.verifier))
	if err != nil {
		return nil, err
	}
	checkpoint, _, _, err := log.ParseCheckpoint(raw, a.verifier.Name(), a.verifier)
	if err != nil {
		return nil, err
	}
	var again log.Checkpoint
	if _, err := again.Unmarshal([]byte(opened.Text)); err != nil {
		return nil, err
	}
	if again.Size != checkpoint.Size || !bytes.Equal(again.Hash, checkpoint.Hash) {
		return nil, errors.New("note and formats read it differently")
	}
	return checkpoint, nil
}

func (a *auditor) checkpoint(ctx context.Context) error {
	raw, err := a.source.tessera.ReadCheckpoint(ctx)
	if err != nil {
		return err
	}
	a.latest, err = a.open(raw)
	return err
}

// Every entry is where the checkpoint's tree has it, by proofs that are made of tiles.
func (a *auditor) inclusion(ctx context.Context) error {
	builder, err := client.NewProofBuilder(ctx, a.latest.Size, a.source.tessera.ReadTile)
	if err != nil {
		return err
	}
	var bundle api.EntryBundle
	for index := uint64(0); index < a.latest.Size; index++ {
		if index%256 == 0 {
			bundle, err = client.GetEntryBundle(ctx, a.source.tessera.ReadEntryBundle, index/256, a.latest.Size)
			if err != nil {
				return err
			}
		}
		path, err := builder.InclusionProof(ctx, index)
		if err != nil {
			return err
		}
		leaf := rfc6962.DefaultHasher.HashLeaf(bundle.Entries[index%256])
		err = proof.VerifyInclusion(rfc6962.DefaultHasher, index, a.latest.Size, leaf, path, a.latest.Hash)
		if err != nil {
			return fmt.Errorf("leaf %d: %w", index, err)
		}
	}
	return nil
}

// The tree begins with that of a checkpoint that was kept in `file`.
func (a *auditor) consistency(ctx context.Context, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	old, err := a.open(raw)
	if err != nil {
		return err
	}
	if old.Size > a.latest.Size {
		return fmt.Errorf("the log has %d entries, and had %d", a.latest.Size, old.Size)
	}
	builder, err := client.NewProofBuilder(ctx, a.latest.Size, a.source.tessera.ReadTile)
	if err != nil {
		return err
	}
	path, err := builder.ConsistencyProof(ctx, old.Size, a.latest.Size)
	if err != nil {
		return err
	}
	return proof.VerifyConsistency(rfc6962.DefaultHasher, old.Size, a.latest.Size, path, old.Hash, a.latest.Hash)
}

// Copies all entries to `file`, one a line, by torchwood's client, which verifies each.
func (a *auditor) mirror(ctx context.Context, file string) error {
	reader, err := torchwood.NewClient(a.source.torchwood)
	if err != nil {
		return err
	}
	tree := tlog.Tree{N: int64(a.latest.Size), Hash: tlog.Hash(a.latest.Hash)}
	var lines bytes.Buffer
	count := int64(0)
	for index, entry := range reader.AllEntries(ctx, tree, 0) {
		if index != count {
			return fmt.Errorf("entry %d comes after %d", index, count)
		}
		count++
		lines.Write(entry)
		lines.WriteByte('\n')
	}
	if err := reader.Err(); err != nil {
		return err
	}
	if count != tree.N {
		return fmt.Errorf("%d entries of %d", count, tree.N)
	}
	return os.WriteFile(file, lines.Bytes(), 0o644)
}

// Tessera's own check of a whole log: entries, tiles and root.
func (a *auditor) fsck(ctx context.Context) error {
	hash := func(raw []byte) ([][]byte, error) {
		var bundle api.EntryBundle
		if err := bundle.UnmarshalText(raw); err != nil {
			return nil, err
		}
		var hashes [][]byte
		for _, entry := range bundle.Entries {
			hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
		}
		return hashes, nil
	}
	check := fsck.New(a.verifier.Name(), a.verifier, a.source.tessera, hash, fsck.Opts{N: 4})
	done := make(chan error, 1)
	go func() { done <- check.Check(ctx) }()
	select {
	case err := <-done:
		return err
	case <-time.After(fsckWithin):
		return errors.New("it does not come to an end")
	}
}

// A tlog-proof, by torchwood's verifier. The event is its extra data.
func (a *auditor) proof(raw []byte) error {
	event, err := torchwood.ProofExtraData(raw)
	if err != nil {
		return err
	}
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(a.verifier.Name()),
		torchwood.SingleVerifierPolicy(a.verifier))
	if err := torchwood.VerifyProof(policy, tlog.RecordHash([]byte("another")), raw); err == nil {
		return errors.New("it proves another event as well")
	}
	return torchwood.VerifyProof(policy, tlog.RecordHash(event), raw)
}
