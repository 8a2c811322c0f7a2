package adapter_test

import (
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
)

func TestMain(m *testing.M) { torchtest.Main(m) }
