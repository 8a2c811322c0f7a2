package plan

// tape lists the operations of a training step in their order, with the memory
// that each takes and the work that it is.
type tape struct {
	operations []*operation
}

// value is a tensor that operations make or read. It lives until the step ends:
// it belongs to the step's scope.
type value struct {
	bytes    int64
	gradient bool // one flows to it
}

// operation makes a value of others. Bytes are of this machine's memory.
type operation struct {
	inputs []*value // those that a gradient may flow to
	output *value

	kept           int64 // beside values, from forward to this operation's backward
	forwardScratch int64 // while it runs
	scratch        int64 // while its backward runs
	learned        int64 // gradients of parameters that its backward leaves

	passes []*value // inputs that get the output's gradient itself

	forward, backward work
}

// add enters an operation. A gradient flows through it where it learns, or an
// input of it has one.
func (t *tape) add(o *operation, bytes int64, learns bool) *value {
	o.output = &value{bytes: bytes, gradient: learns}
	for _, list := range [][]*value{o.inputs, o.passes} {
		for _, v := range list {
			o.output.gradient = o.output.gradient || v.gradient
		}
	}
	if !o.output.gradient {
		o.kept, o.learned = 0, 0
	}
	t.operations = append(t.operations, o)
	return o.output
}

// buffer is the memory of a gradient, which several values may share.
type buffer struct {
	bytes int64
	users int
}

// peak is the most that a step holds at once, the gradients of parameters
// included; what is tuned and its optimizer are not.
func (t *tape) peak() int64 {
	var live, most int64
	note := func(scratch int64) { most = max(most, live+scratch) }
	for _, o := range t.operations {
		live += o.output.bytes + o.kept
		note(o.forwardScratch)
	}
	gradients := map[*value]*buffer{}
	if n := len(t.operations); n > 0 {
		last := t.operations[n-1].output
		gradients[last] = &buffer{bytes: last.bytes, users: 1}
		live += last.bytes
	}
	release := func(b *buffer) {
		if b.users--; b.users == 0 {
			live -= b.bytes
		}
	}
	for i := len(t.operations) - 1; i >= 0; i-- {
		o := t.operations[i]
		from := gradients[o.output]
		if from == nil {
			live -= o.kept
			continue
		}
		live += o.learned
		sums := int64(0) // gradients that are added to others
		for _, v := range o.inputs {
			switch {
			case !v.gradient:
			case gradients[v] != nil:
				sums += v.bytes
			default:
				gradients[v] = &buffer{bytes: v.bytes, users: 1}
				live += v.bytes
			}
		}
		note(o.scratch + sums)
		for _, v := range o.passes {
			if v.gradient && gradients[v] == nil {
				gradients[v] = from
				from.users++
			}
		}
		live -= o.kept
		delete(gradients, o.output)
		release(from)
	}
	return most
}

// work is the whole step's.
func (t *tape) work() work {
	var total work
	for _, o := range t.operations {
		total.add(o.forward)
		if o.output.gradient {
			total.add(o.backward)
		}
	}
	return total
}
