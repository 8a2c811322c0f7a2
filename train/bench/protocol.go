package bench

import "github.com/gopet-ml/gopet/pet"

// A worker is a process that reads a job, a line of JSON, and answers ready;
// then it reads requests and answers each. It ends with its input.

// job says what a worker's steps are.
type job struct {
	Contender string `json:"contender"` // floor, a library of the matrix products, a tuning method
	Model     string `json:"model"`
	DType     string `json:"dtype"`
	Device    string `json:"device"`
	Threads   int    `json:"threads"`
	Seed      uint64 `json:"seed"`

	Rows       int         `json:"rows"`    // of a batch
	Length     int         `json:"length"`  // as Options has it
	Batches    int         `json:"batches"` // how many
	Data       string      `json:"data"`
	Task       string      `json:"task"`
	Text       []string    `json:"text"`
	Label      string      `json:"label"`
	Params     string      `json:"params"`
	Tuning     pet.Options `json:"tuning"`
	Checkpoint bool        `json:"checkpoint"`
	BatchFile  string      `json:"batch_file"` // of the rows: gopet's floor writes it, Python reads it
	StartFile  string      `json:"start_file"` // of what is tuned, before the first step, and of the head: likewise a method's
	Grouped    bool        `json:"grouped"`    // rows are put together by length: Python
	Compiled   bool        `json:"compiled"`   // by torch.compile: Python
}

// Contenders that are no tuning methods.
const (
	floor    = "floor"
	products = "products" // of matrices, those of the floor
)

// ready is a worker's answer to its job.
type ready struct {
	Error     string            `json:"error,omitempty"`
	Trainable int64             `json:"trainable"` // the head left out
	Head      int64             `json:"head"`
	Threads   int               `json:"threads"`
	Batches   []size            `json:"batches"`
	MultAdds  int64             `json:"mult_adds,omitempty"` // of all batches: products
	Versions  map[string]string `json:"versions"`
	Remarks   []string          `json:"remarks,omitempty"`
}

// size is a batch's, padding left out.
type size struct {
	Rows   int64 `json:"rows"`
	Tokens int64 `json:"tokens"`
}

// request asks for a step.
type request struct {
	Batch int     `json:"batch"`
	LR    float64 `json:"lr"`
}

// answer is what the step was.
type answer struct {
	Error     string  `json:"error,omitempty"`
	Seconds   float64 `json:"seconds"`
	Loss      float64 `json:"loss"`
	PeakBytes int64   `json:"peak_bytes"` // so far, above what was there after loading
}
