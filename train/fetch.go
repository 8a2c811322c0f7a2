package train

import (
	"context"

	"github.com/gopet-ml/gopet/data"
	datahub "github.com/gopet-ml/gopet/data/hub"
	modelhub "github.com/gopet-ml/gopet/models/hub"
)

// Downloading is told how many bytes of how many of a model or a data set have
// come; the total may grow. Nil is nobody.
type Downloading func(name string, done, total int64)

// of is d for one name.
func (d Downloading) of(name string) func(done, total int64) {
	if d == nil {
		return nil
	}
	return func(done, total int64) { d(name, done, total) }
}

// FindModel returns the directory of a model, which is fetched from the Hugging
// Face Hub where the name is an id.
func FindModel(ctx context.Context, name string, d Downloading) (dir string, err error) {
	return modelhub.Model(ctx, name, modelhub.Options{Progress: d.of(name)})
}

// FindConfig is FindModel for the model's config.json alone.
func FindConfig(ctx context.Context, name string) (dir string, err error) {
	return modelhub.Model(ctx, name, modelhub.Options{ConfigOnly: true})
}

// OpenData opens a directory or glob of Parquet shards, what a registered
// source reads, or a data set of the Hub by its id.
func OpenData(ctx context.Context, name string, d Downloading) (data.Dataset, error) {
	found, err := datahub.Data(ctx, name, datahub.Options{Progress: d.of(name)})
	if err != nil {
		return nil, err
	}
	return data.Open(found)
}
