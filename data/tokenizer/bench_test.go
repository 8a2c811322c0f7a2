package tokenizer

import "testing"

// benchStride thins the corpus out: bench.py reads the same lines.
const benchStride = 8

func benchLines(b *testing.B) (lines []string, size int) {
	for i, line := range readCorpus(b) {
		if i%benchStride == 0 {
			lines = append(lines, line)
			size += len(line) + 1
		}
	}
	return lines, size
}

// benchKinds load a tokenizer each; bench.py loads the same.
var benchKinds = []struct {
	name string
	load func(b *testing.B) *Tokenizer
}{
	{"wordpiece", func(b *testing.B) *Tokenizer {
		for _, dir := range modelDirs() {
			if tokenizer, err := Load(dir); err == nil {
				return tokenizer
			}
		}
		b.Skip("no tokenizer to measure with: neither all-MiniLM-L6-v2 in the cache nor minilm-l3 in ../shared")
		return nil
	}},
	{"unigram", func(b *testing.B) *Tokenizer {
		tokenizer, err := Load(t5Dir)
		if err != nil {
			b.Skip("no tokenizer to measure with:", err)
		}
		return tokenizer
	}},
	{"bpe", func(b *testing.B) *Tokenizer {
		merges, vocab := readMerges(b)
		tokenizer, err := parseJSON(bpeFile(b, merges, vocab))
		if err != nil {
			b.Fatal(err)
		}
		return tokenizer
	}},
}

// BenchmarkCorpus encodes every eighth line of the corpus; bench.sh compares
// its lines/s with the package tokenizers.
func BenchmarkCorpus(b *testing.B) {
	for _, kind := range benchKinds {
		b.Run(kind.name, func(b *testing.B) {
			tokenizer := kind.load(b)
			lines, size := benchLines(b)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				for _, line := range lines {
					tokenizer.Encode(line, 0)
				}
			}
			b.ReportMetric(float64(len(lines)*b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// BenchmarkAppendPair reuses its slices.
func BenchmarkAppendPair(b *testing.B) {
	for _, kind := range benchKinds {
		b.Run(kind.name, func(b *testing.B) {
			tokenizer := kind.load(b)
			lines, size := benchLines(b)
			var out Encoding
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				for _, line := range lines {
					out.IDs, out.Types = out.IDs[:0], out.Types[:0]
					out = tokenizer.AppendPair(out, line, "", 128)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, kind := range benchKinds {
		b.Run(kind.name, func(b *testing.B) {
			for range b.N {
				kind.load(b)
			}
		})
	}
}
