package hub_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/parquet-go/parquet-go"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/hub"
	"github.com/gopet-ml/gopet/internal/hubtest"
)

func Example() {
	type row struct {
		Sentence string `parquet:"sentence"`
		Label    int64  `parquet:"label"`
	}
	var shard bytes.Buffer
	if err := parquet.Write(&shard, []row{{"a gripping film", 1}, {"a dull film", 0}}); err != nil {
		fmt.Println(err)
		return
	}
	// A Hub on this machine, so that the example needs no network.
	server, end := hubtest.Example()
	defer end()
	server.Add("datasets/nyu-mll/glue", map[string]string{
		"sst2/train-00000-of-00001.parquet": shard.String(),
		"rte/train-00000-of-00001.parquet":  shard.String(),
	})

	dir, err := hub.Data(context.Background(), "nyu-mll/glue:sst2", hub.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	dataset, err := data.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, split := range dataset.Splits() {
		fmt.Println(split.Name(), data.NumRows(split), "rows")
	}
	_, err = hub.Data(context.Background(), "nyu-mll/glue", hub.Options{})
	fmt.Println(err)
	// Output:
	// train 2 rows
	// data set "nyu-mll/glue": it has several configurations, name one as OWNER/NAME:CONFIG; there are: rte, sst2
}
