package peft_test

import (
	"flag"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	_ "github.com/gopet-ml/gopet/pet/methods"
)

// update makes the adapters of testdata/exported again; make_golden.py then
// says what peft computes with them.
var update = flag.Bool("update", false, "write testdata/exported")

func TestMain(m *testing.M) { torchtest.Main(m) }
