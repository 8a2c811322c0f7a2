// Package torchtest helps the tests of everything that uses tensors: each must
// end with as many live tensors as it began with.
package torchtest

import (
	"fmt"
	"os"
	"testing"

	"github.com/gopet-ml/gopet/torch"
)

// NoLeaks fails the test if tensors made from here on are alive at its end.
// It is not for parallel tests, which share one count.
func NoLeaks(t testing.TB) {
	t.Helper()
	before := torch.LiveTensors()
	t.Cleanup(func() {
		if live := torch.LiveTensors(); live != before {
			t.Errorf("%d tensors are alive at the end, %d were at the start", live, before)
		}
	})
}

// Main runs a package's tests and exits: with an error too if any tensor is
// alive at the end.
func Main(m *testing.M) {
	os.Setenv("HF_HUB_OFFLINE", "1") // no test asks the Hub itself
	code := m.Run()
	if live := torch.LiveTensors(); live != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d tensors are alive after all tests\n", live)
		code = 1
	}
	os.Exit(code)
}
