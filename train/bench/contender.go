package bench

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"path/filepath"
	"strings"
)

// contender takes part in the turns.
type contender struct {
	name    string // as the report has it
	kind    kind
	command []string
	job     job
	rival   *contender // of a peer: gopet's contender that computes the same from the same batches; nil for none

	process *process
	ready   ready
	losses  []float64 // of the first steps
	seconds []float64 // of the timed ones
	peak    int64
}

// kind is where a contender stands in the report.
type kind int

const (
	ofFloor kind = iota
	ofProducts
	ofMethod
	ofPeer
)

func (c *contender) start(ctx context.Context) (err error) {
	c.process, c.ready, err = startProcess(ctx, c.command, c.job)
	return err
}

//go:embed peers.py
var peersScript string

// lineUp lists the contenders in the order in which they start: what gopet's
// write, Python's read.
func (m *measurement) lineUp() []*contender {
	base := m.baseJob()
	var ours, peers []*contender
	enter := func(c contender) *contender {
		c.job.StartFile = filepath.Join(m.dir, fmt.Sprintf("start-%d.safetensors", len(ours)))
		c.command = m.options.Worker
		ours = append(ours, &c)
		return &c
	}
	enterPeer := func(name string, rival *contender) *contender {
		c := contender{name: name, kind: ofPeer, job: rival.job, rival: rival}
		c.command = []string{m.options.Python, "-c", peersScript}
		peers = append(peers, &c)
		return &c
	}

	base.Contender = floor
	own := enter(contender{name: floor, kind: ofFloor, job: base})
	if m.options.Python != "" {
		enterPeer("PyTorch floor", own)
	}
	base.Contender = products
	for _, library := range m.options.libraries() {
		base.Params = library
		enter(contender{name: library, kind: ofProducts, job: base})
	}
	for _, method := range m.options.Methods {
		base.Contender, base.Params, base.Tuning, base.Checkpoint = method.Name, method.Params, method.Tuning, method.Checkpoint
		base.Tuning.Seed, base.DType = m.options.Seed, cmp.Or(method.DType, m.options.DType.String())
		own := enter(contender{name: method.Text, kind: ofMethod, job: base})
		name := peerName(method)
		if !m.options.Peers || name == "" {
			continue
		}
		enterPeer(name, own)
		if m.options.Data != "" {
			peer := enterPeer(name+", grouped", own)
			peer.job.Grouped, peer.rival = true, nil
		}
		if m.options.Compile {
			enterPeer(name+", compiled", own).job.Compiled = true
		}
	}
	return append(ours, peers...)
}

func (m *measurement) baseJob() job {
	o := m.options
	batches, _ := o.batches()
	return job{
		Model: o.Model, DType: o.DType.String(), Device: o.Device, Threads: o.Threads, Seed: o.Seed,
		Rows: o.Rows, Length: o.Length, Batches: batches, Data: o.Data, Task: o.Task, Text: o.Text, Label: o.Label,
		BatchFile: filepath.Join(m.dir, "batches.json"),
	}
}

// peerName is what trains the same in Python; "" where nothing does.
func peerName(m Method) string {
	switch m.Name {
	case "full":
		return "transformers full"
	case "lora", "prompt":
		return "peft " + m.Text
	case "apet-discrete":
		return "peft " + strings.Replace(m.Text, m.Name, "shira", 1)
	case "apet-adjacent":
		return "peft " + strings.Replace(m.Text, m.Name, "shira, adjacent", 1)
	case "bitfit", "adapter":
		return "PyTorch " + m.Text
	}
	return ""
}
