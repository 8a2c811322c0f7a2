package convert

import (
	"regexp"
	"slices"
)

// tiedNames are the names that transformers declares to be another's tensor
// and leaves out when it saves (_tied_weights_keys of its models), in the
// families that have such.
var tiedNames = []*regexp.Regexp{
	// T5: shared.weight, which its classifiers have below "transformer".
	regexp.MustCompile(`^(transformer\.)?(encoder|decoder)\.embed_tokens\.weight$`),
	// T5 again; BLOOM: transformer.word_embeddings.weight.
	regexp.MustCompile(`^lm_head\.weight$`),
	// BERT: bert.embeddings.word_embeddings.weight, cls.predictions.bias.
	regexp.MustCompile(`^cls\.predictions\.decoder\.(weight|bias)$`),
}

// aliases names, of each group that is one tensor, all but the one name that is
// kept. It is the first that transformers does not leave out, in alphabetical
// order, as safetensors chooses where nothing is declared.
func aliases(tied [][]string) []Alias {
	list := []Alias{}
	for _, group := range tied {
		names := slices.Sorted(slices.Values(group))
		kept := names[0]
		if i := slices.IndexFunc(names, func(name string) bool { return !declaredTied(name) }); i >= 0 {
			kept = names[i]
		}
		for _, name := range names {
			if name != kept {
				list = append(list, Alias{name, kept})
			}
		}
	}
	return list
}

func declaredTied(name string) bool {
	return slices.ContainsFunc(tiedNames, func(pattern *regexp.Regexp) bool { return pattern.MatchString(name) })
}
