package bench

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gopet-ml/gopet/torch"
)

// Report is what was measured.
type Report struct {
	Machine  Machine    `json:"machine"`
	Products []Products `json:"products"` // the model's matrix products alone
	Floor    Result     `json:"floor"`
	Results  []Result   `json:"results"`
	Peers    []Result   `json:"peers"`
	Losses   []Losses   `json:"losses"`   // of peers and of gopet, from identical beginnings
	Speedups []Speedup  `json:"speedups"` // of gopet over peers
	Remarks  []string   `json:"remarks"`
}

// Machine says where, of what and when.
type Machine struct {
	CPU          string            `json:"cpu"`
	Vector       string            `json:"vector_instructions"` // of libtorch's kernels
	Instructions []string          `json:"instructions"`        // of the processor that products may use
	Threads      int               `json:"threads"`
	Libtorch     string            `json:"libtorch"`
	Versions     map[string]string `json:"versions"` // of Python's packages
	Model        string            `json:"model"`
	DType        string            `json:"dtype"`
	Device       string            `json:"device"`
	Shape        string            `json:"shape"` // or the data, and the rows of a batch
	Date         time.Time         `json:"date"`
}

// Products is what the matrix products of a floor take in a library.
type Products struct {
	Library     string  `json:"library"`
	StepSeconds float64 `json:"step_seconds"`
	FLOPS       float64 `json:"flops"` // a second; a multiply-add is two
}

// Result is one contender's.
type Result struct {
	Method           string     `json:"method"`
	Trainable        int64      `json:"trainable"` // the head left out
	StepSeconds      float64    `json:"step_seconds"`
	FastestStep      float64    `json:"fastest_step_seconds"`    // what it takes when nobody else is at work
	FloorRatio       float64    `json:"floor_ratio"`             // to gopet's floor
	FloorInterval    [2]float64 `json:"floor_interval,omitzero"` // 95 %; not where batches differ
	SamplesPerSecond float64    `json:"samples_per_second"`
	TokensPerSecond  float64    `json:"tokens_per_second"` // padding left out
	PeakMemory       int64      `json:"peak_memory_bytes"` // above what was there after loading: resident or, on a GPU, of tensors
	// GEMMEfficiency is the time of the floor's matrix products, in the fastest
	// library, over the step's; 0 of a method with a dtype of its own.
	GEMMEfficiency float64 `json:"gemm_efficiency"`
}

// Losses are those of the first steps of gopet and of a peer.
type Losses struct {
	Method     string    `json:"method"`
	Peer       string    `json:"peer"`
	Ours       []float64 `json:"ours"`
	Theirs     []float64 `json:"theirs"`
	Difference float64   `json:"difference"` // the largest, relative to the loss
	Tolerance  float64   `json:"tolerance"`
}

// Speedup is how many times a peer's step takes as long as gopet's: the median
// of pairs or, where batches differ, of the same rows in all.
type Speedup struct {
	Method   string     `json:"method"`
	Peer     string     `json:"peer"`
	Ratio    float64    `json:"ratio"`
	Interval [2]float64 `json:"interval,omitzero"`
}

// Speedup is that of a method over a peer; ok is false where the two have
// different dtypes.
func (r *Report) Speedup(method, peer string) (s Speedup, ok bool) {
	for _, s := range r.Speedups {
		if s.Method == method && s.Peer == peer {
			return s, true
		}
	}
	return Speedup{}, false
}

// tolerance is how far apart losses may be, relative to the loss. In float32 the
// sides differ in the order of sums. In bfloat16 peers keep two or three digits
// of norms, losses, a classifier's logits, and the weights that full tuning
// changes, which gopet has in float32: there the losses hardly tell more than
// that the model and its rows are the same, and float32 must vouch for the rest.
func tolerance(dtype string) float64 {
	if dtype == torch.BFloat16.String() {
		return 0.05
	}
	return 1e-4
}

func (m *measurement) compareLosses() []Losses {
	list := []Losses{}
	for _, c := range m.contenders {
		if c.rival == nil {
			continue
		}
		l := Losses{Method: c.rival.name, Peer: c.name, Ours: c.rival.losses, Theirs: c.losses, Tolerance: tolerance(c.job.DType)}
		for i, ours := range l.Ours {
			l.Difference = math.Max(l.Difference, math.Abs(ours-l.Theirs[i])/math.Abs(ours))
		}
		list = append(list, l)
	}
	return list
}

// disagreement is the error of losses that are not the same.
func disagreement(list []Losses) error {
	for _, l := range list {
		if !(l.Difference <= l.Tolerance) {
			return fmt.Errorf("%s and %s do not compute the same: their losses differ by %.2g, more than %.2g: %.6g and %.6g",
				l.Method, l.Peer, l.Difference, l.Tolerance, l.Ours, l.Theirs)
		}
	}
	return nil
}

func (m *measurement) report(losses []Losses) *Report {
	r := &Report{Losses: losses, Results: []Result{}, Peers: []Result{}, Speedups: []Speedup{}, Remarks: []string{}}
	r.Machine = m.machine()
	r.Products = m.products()
	for _, c := range m.contenders {
		for _, remark := range c.ready.Remarks {
			if !slices.Contains(r.Remarks, remark) {
				r.Remarks = append(r.Remarks, remark)
			}
		}
		switch c.kind {
		case ofFloor:
			r.Floor = m.result(c, r.Products)
		case ofMethod:
			r.Results = append(r.Results, m.result(c, r.Products))
		case ofPeer:
			r.Peers = append(r.Peers, m.result(c, r.Products))
		}
	}
	for _, ours := range m.contenders {
		for _, peer := range m.contenders {
			if ours.kind == ofMethod && peer.kind == ofPeer && ours.job.DType == peer.job.DType {
				s := Speedup{Method: ours.name, Peer: peer.name}
				s.Ratio, s.Interval = m.ratio(peer, ours)
				r.Speedups = append(r.Speedups, s)
			}
		}
	}
	return r
}

func (m *measurement) result(c *contender, products []Products) Result {
	floor := m.contenders[0]
	seconds, rows, tokens := m.total(c), 0.0, 0.0
	for _, size := range floor.ready.Batches {
		rows, tokens = rows+float64(size.Rows), tokens+float64(size.Tokens)
	}
	r := Result{
		Method: c.name, Trainable: c.ready.Trainable, StepSeconds: median(c.seconds), FastestStep: slices.Min(c.seconds), PeakMemory: c.peak,
		SamplesPerSecond: rows / seconds, TokensPerSecond: tokens / seconds,
	}
	r.FloorRatio, r.FloorInterval = m.ratio(c, floor)
	fastest := slices.MinFunc(products, func(a, b Products) int { return cmp.Compare(a.StepSeconds, b.StepSeconds) })
	if c.job.DType == floor.job.DType {
		r.GEMMEfficiency = fastest.StepSeconds * float64(len(floor.ready.Batches)) / seconds
	}
	return r
}

// ratio is how many times a takes as long as b, which may have other batches of
// the same rows.
func (m *measurement) ratio(a, b *contender) (float64, [2]float64) {
	switch {
	case a.job.Grouped != b.job.Grouped:
		return m.total(a) / m.total(b), [2]float64{}
	case m.options.Data != "":
		return medianRatio(m.byBatch(a), m.byBatch(b)) // turns of one batch are no pairs of their own
	}
	return medianRatio(a.seconds, b.seconds)
}

// total is the time of all batches.
func (m *measurement) total(c *contender) float64 {
	sum := 0.0
	for _, seconds := range m.byBatch(c) {
		sum += seconds
	}
	return sum
}

// byBatch is the time of each batch, the median of its turns.
func (m *measurement) byBatch(c *contender) []float64 {
	batches, _ := m.options.batches()
	list := make([]float64, batches)
	for b := range batches {
		var turns []float64
		for turn := b; turn < len(c.seconds); turn += batches {
			turns = append(turns, c.seconds[turn])
		}
		list[b] = median(turns)
	}
	return list
}

// products is the time of each library.
func (m *measurement) products() []Products {
	batches, _ := m.options.batches()
	var list []Products
	for _, c := range m.contenders {
		if c.kind == ofProducts {
			total := m.total(c)
			list = append(list, Products{
				Library: c.name, StepSeconds: total / float64(batches), FLOPS: 2 * float64(c.ready.MultAdds) / total,
			})
		}
	}
	return list
}

func (m *measurement) machine() Machine {
	o := m.options
	machine := Machine{
		CPU: CPUName(), Vector: torch.CPUCapability(), Instructions: productInstructions(), Threads: m.contenders[0].ready.Threads,
		Libtorch: torch.Version(), Versions: map[string]string{}, Model: o.Model, DType: o.DType.String(), Device: o.Device,
		Shape: fmt.Sprintf("%dx%d", o.Rows, o.Length), Date: time.Now().UTC().Truncate(time.Second),
	}
	if o.Data != "" {
		machine.Shape = fmt.Sprintf("%s, %d rows", o.Task, o.Rows)
	}
	for _, c := range m.contenders {
		if c.kind == ofPeer {
			machine.Versions = c.ready.Versions
		}
	}
	return machine
}
