package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"filippo.io/torchwood"
	"github.com/transparency-dev/tessera/client"
)

// Where a log's files come from, in the forms in which the libraries take them.
type source struct {
	tessera interface {
		ReadCheckpoint(ctx context.Context) ([]byte, error)
		ReadTile(ctx context.Context, level, index uint64, partial uint8) ([]byte, error)
		ReadEntryBundle(ctx context.Context, index uint64, partial uint8) ([]byte, error)
	}
	torchwood torchwood.TileReader
}

// An HTTP client that carries a bearer token.
type bearer string

func (token bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+string(token))
	return http.DefaultTransport.RoundTrip(request)
}

// The log that a node serves below `base`.
func served(base string, token string) (*source, error) {
	root, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	caller := &http.Client{Transport: bearer(token)}
	fetcher, err := client.NewHTTPFetcher(root, caller)
	if err != nil {
		return nil, err
	}
	tiles, err := torchwood.NewTileFetcher(base, torchwood.WithHTTPClient(caller), torchwood.WithConcurrencyLimit(4))
	if err != nil {
		return nil, err
	}
	return &source{fetcher, tiles}, nil
}

// The log that was exported to `directory`.
func exported(directory string) (*source, error) {
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return nil, err
	}
	tiles, err := torchwood.NewTileFS(os.DirFS(absolute))
	if err != nil {
		return nil, err
	}
	return &source{client.FileFetcher{Root: absolute}, tiles}, nil
}
