package doctor

import (
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

func TestMain(m *testing.M) { torchtest.Main(m) }

func TestKernelsAgreeOnTheCPU(t *testing.T) {
	report, err := Examine(torch.CPU)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Healthy() || len(report.Kernels) < 2*len(maskedCases)+len(operations())-1 {
		t.Errorf("kernels %+v", report.Kernels)
	}
	for _, k := range report.Kernels {
		// A comparison of a kernel with itself would find no difference at all.
		if k.MaxError == 0 || k.Seconds <= 0 || k.Ratio <= 0 {
			t.Errorf("%+v", k)
		}
	}
	if torchtest.GPUKernels != (report.CUDA.NoKernels == "") {
		t.Errorf("CUDA %+v: want kernels or a reason", report.CUDA)
	}
	if (report.CUDA.Devices == 0) != (report.CUDA.Reason != "") {
		t.Errorf("CUDA %+v: want devices or a reason", report.CUDA)
	}
}

func TestOneDifferingKernelIsNotHealthy(t *testing.T) {
	r := &Report{Kernels: []Kernel{{OK: true}, {OK: false}}}
	if r.Healthy() {
		t.Error("a report with a kernel that differs is healthy")
	}
}
