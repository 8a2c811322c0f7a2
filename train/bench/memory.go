package bench

import (
	"runtime/debug"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/train"
)

// memory is the high-water mark of what a worker takes beside what it has
// loaded: resident memory, or on a GPU what libtorch's allocator has given out.
type memory struct {
	device torch.Device
	loaded int64
}

// mark lets the high-water mark count from what is there now.
func (m *memory) mark() error {
	debug.FreeOSMemory()
	torch.EmptyCache()
	if !m.device.IsCUDA() {
		err := train.ResetPeakMemory()
		m.loaded = train.ResidentMemory()
		return err
	}
	if err := torch.ResetDevicePeak(m.device); err != nil {
		return err
	}
	var err error
	m.loaded, _, err = torch.DeviceMemory(m.device)
	return err
}

func (m *memory) peak() (int64, error) {
	if !m.device.IsCUDA() {
		return max(train.PeakMemory()-m.loaded, 0), nil
	}
	_, peak, err := torch.DeviceMemory(m.device)
	return max(peak-m.loaded, 0), err
}
