package bert_test

import (
	"fmt"
	"log"

	"github.com/gopet-ml/gopet/models"
	_ "github.com/gopet-ml/gopet/models/bert"
	"github.com/gopet-ml/gopet/torch"
)

func Example() {
	model, err := models.Load("testdata/classifier", models.Options{DType: torch.Float32, Device: torch.CPU})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()

	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	batch := models.Rows(s, []int64{2, 17, 9, 3}, []int64{2, 41, 3})
	logits := models.Logits(model, batch)
	fmt.Println(logits.Shape(), models.Labels(model)[logits.Select(0, 0).ArgMax(0).Int64s()[0]])
	// Output: [2 3] straight on
}
