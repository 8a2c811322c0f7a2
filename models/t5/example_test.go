package t5_test

import (
	"fmt"
	"log"

	"github.com/gopet-ml/gopet/models"
	_ "github.com/gopet-ml/gopet/models/t5"
	"github.com/gopet-ml/gopet/torch"
)

func Example() {
	model, err := models.Load("testdata/gated", models.Options{DType: torch.Float32, Device: torch.CPU})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()

	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	batch := models.Rows(s, []int64{2, 17, 9, 1}, []int64{2, 21, 1})
	writer := model.(models.TextToText)
	texts := writer.Generate(models.Hidden(model, batch), batch, models.GenerateOptions{MaxNewTokens: 4, NumBeams: 2})
	fmt.Println(texts)
	// Output: [[19 19 19 19] [3 3 19 3]]
}
