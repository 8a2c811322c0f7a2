package importer

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/gopet-ml/gopet/data"
)

// A plan says where every row goes before the first is written.
type plan struct {
	splits map[string]*splitPlan
	cut    *stratifiedCut // nil where no validation split is cut
}

type splitPlan struct {
	rows      int64
	shards    int
	classRows []int64 // by class
}

func newPlan(t *table, o *Options) (*plan, error) {
	p := &plan{splits: map[string]*splitPlan{}}
	for _, name := range o.splitsGiven() {
		p.splits[name] = &splitPlan{rows: t.rows[name].rows, classRows: classRows(t, t.rows[name])}
	}
	if o.Validation > 0 {
		if err := p.cutValidation(t, o); err != nil {
			return nil, err
		}
	}
	for _, s := range p.splits {
		s.shards = int((s.rows + int64(o.ShardRows) - 1) / int64(o.ShardRows))
	}
	return p, nil
}

func classRows(t *table, count *splitCount) []int64 {
	rows := make([]int64, len(t.classes))
	for i, word := range t.classes {
		rows[i] = count.labels[word]
	}
	return rows
}

func (p *plan) cutValidation(t *table, o *Options) error {
	train := p.splits[data.Train]
	strata := train.classRows
	if len(strata) == 0 {
		strata = []int64{train.rows}
	}
	p.cut = newStratifiedCut(strata, o.Validation, o.Seed)
	validation := &splitPlan{classRows: make([]int64, len(train.classRows))}
	for i, take := range p.cut.take {
		validation.rows += take
		if len(train.classRows) > 0 {
			validation.classRows[i] = take
			train.classRows[i] -= take
		}
	}
	train.rows -= validation.rows
	if validation.rows == 0 || train.rows == 0 {
		return fmt.Errorf("import: a validation share of %v leaves %d of %d training rows for validation: both splits need some",
			o.Validation, validation.rows, train.rows+validation.rows)
	}
	p.splits[data.Validation] = validation
	return nil
}

// A stratifiedCut chooses rows as they come by, the same share of every
// stratum, so that what is chosen is a function of the seed alone and needs no
// memory: of the n rows of a stratum still to come, of which m are still to be
// chosen, the next is chosen with probability m / n (Knuth's Algorithm S).
type stratifiedCut struct {
	left, take []int64 // by stratum: rows still to come, rows still to choose
	random     *rand.PCG
}

func newStratifiedCut(strata []int64, share float64, seed int64) *stratifiedCut {
	const stream = 0x73747261 // keeps this apart from other uses of the seed
	return &stratifiedCut{
		left:   slices.Clone(strata),
		take:   apportion(strata, share),
		random: rand.NewPCG(uint64(seed), stream),
	}
}

// apportion returns share of every stratum in whole rows. They add up to the
// rounded share of the whole; the rows that rounding down leaves over go to
// the strata with the largest remainders.
func apportion(strata []int64, share float64) []int64 {
	take := make([]int64, len(strata))
	order := make([]int, len(strata))
	var total, taken int64
	for i, rows := range strata {
		take[i] = int64(share * float64(rows))
		total += rows
		taken += take[i]
		order[i] = i
	}
	remainder := func(i int) float64 { return share*float64(strata[i]) - float64(take[i]) }
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case remainder(a) > remainder(b):
			return -1
		case remainder(a) < remainder(b):
			return 1
		default:
			return 0
		}
	})
	for _, i := range order[:min(len(order), max(0, int(int64(share*float64(total)+0.5)-taken)))] {
		take[i]++
	}
	return take
}

// chooses reports whether the next row of the stratum is chosen.
func (c *stratifiedCut) chooses(stratum int) bool {
	if c.left[stratum] <= 0 {
		return false
	}
	chosen := rand.New(c.random).Int64N(c.left[stratum]) < c.take[stratum]
	c.left[stratum]--
	if chosen {
		c.take[stratum]--
	}
	return chosen
}
