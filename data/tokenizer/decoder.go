package tokenizer

import "strings"

// decoder makes a text of tokens.
type decoder func(tokens []string) string

// joinTokens is what a tokenizer without decoder does.
func joinTokens(tokens []string) string { return strings.Join(tokens, " ") }

// wordPieceDecoder joins pieces that carry the prefix to the token before them
// and, for cleanup, takes back some of the spaces that splitting put in.
func wordPieceDecoder(prefix string, cleanup bool) decoder {
	return func(tokens []string) string {
		var text strings.Builder
		for i, token := range tokens {
			if i > 0 {
				if piece, ok := strings.CutPrefix(token, prefix); ok {
					token = piece
				} else {
					token = " " + token
				}
			}
			if cleanup {
				token = cleanUp(token)
			}
			text.WriteString(token)
		}
		return text.String()
	}
}

// contractions in the order in which the package tokenizers replaces them, in
// each token by itself.
var contractions = []struct{ from, to string }{
	{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
	{" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
}

func cleanUp(token string) string {
	for _, c := range contractions {
		token = strings.ReplaceAll(token, c.from, c.to)
	}
	return token
}
