package checkpoint_test

import (
	"encoding/binary"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"

	"github.com/gopet-ml/gopet/models/checkpoint"
)

func Example() {
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	bias := checkpoint.Tensor{Name: "bias", DType: checkpoint.Float32, Shape: []int64{2}}
	for _, x := range []float32{0.5, -2} {
		bias.Data = binary.LittleEndian.AppendUint32(bias.Data, math.Float32bits(x))
	}
	path := filepath.Join(dir, checkpoint.SingleFile)
	if err := checkpoint.Write(path, []checkpoint.Tensor{bias}, map[string]string{"format": "pt"}); err != nil {
		log.Fatal(err)
	}

	c, err := checkpoint.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for _, name := range c.Names() {
		info, _ := c.Info(name)
		data := make([]byte, info.NumBytes())
		if err := c.ReadInto(name, data); err != nil {
			log.Fatal(err)
		}
		fmt.Println(info.Name, info.DType, info.Shape, len(data), "bytes")
	}
	// Output: bias F32 [2] 8 bytes
}
