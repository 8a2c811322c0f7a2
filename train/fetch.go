package train

import (
	"context"

	"github.com/gopet-ml/gopet/data"
	datahub "github.com/gopet-ml/gopet/data/hub"
	modelhub "github.com/gopet-ml/gopet/models/hub"
)

// Preparing is told how far something is that comes before the work itself,
// such as a download: bytes or rows done, of how many. Nil is nobody.
type Preparing func(what string, done, total int64)

// watch is p for one thing.
func (p Preparing) watch(what string) func(done, total int64) {
	if p == nil {
		return nil
	}
	return func(done, total int64) { p(what, done, total) }
}

// FindModel returns the directory of a model, which is fetched from the Hugging
// Face Hub where the name is an id.
func FindModel(ctx context.Context, name string, preparing Preparing) (dir string, err error) {
	return modelhub.Model(ctx, name, modelhub.Options{Progress: preparing.watch("downloading " + name)})
}

// FindConfig is FindModel for the model's config.json alone.
func FindConfig(ctx context.Context, name string) (dir string, err error) {
	return modelhub.Model(ctx, name, modelhub.Options{ConfigOnly: true})
}

// OpenData opens a directory or glob of Parquet shards, what a registered
// source reads, or a data set of the Hub by its id.
func OpenData(ctx context.Context, name string, preparing Preparing) (data.Dataset, error) {
	found, err := datahub.Data(ctx, name, datahub.Options{Progress: preparing.watch("downloading " + name)})
	if err != nil {
		return nil, err
	}
	return data.Open(found)
}
