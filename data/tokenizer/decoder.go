package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder makes texts of tokens, which are then joined without anything
// between them. It may change the list that it is given.
type decoder func(tokens []string) []string

// joinTokens is what a tokenizer without decoder does.
func joinTokens(tokens []string) []string { return []string{strings.Join(tokens, " ")} }

// fuseTokens is Fuse.
func fuseTokens(tokens []string) []string { return []string{strings.Join(tokens, "")} }

// decoders are run one after the other.
type decoders []decoder

func (list decoders) decode(tokens []string) []string {
	for _, d := range list {
		tokens = d(tokens)
	}
	return tokens
}

// wordPieceDecoder joins pieces that carry the prefix to the token before them
// and, for cleanup, takes back some of the spaces that splitting put in.
func wordPieceDecoder(prefix string, cleanup bool) decoder {
	return func(tokens []string) []string {
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
			tokens[i] = token
		}
		return tokens
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

// decodeBytes is ByteFallback: it makes one text of neighbouring tokens <0x..>,
// or U+FFFD of each where they are not UTF-8.
func decodeBytes(tokens []string) []string {
	var out []string
	var bytes []byte
	flush := func() {
		switch {
		case len(bytes) == 0:
		case utf8.Valid(bytes):
			out = append(out, string(bytes))
		default:
			for range bytes {
				out = append(out, "\ufffd")
			}
		}
		bytes = bytes[:0]
	}
	for _, token := range tokens {
		if b, ok := byteOf(token); ok {
			bytes = append(bytes, b)
			continue
		}
		flush()
		out = append(out, token)
	}
	flush()
	return out
}

// byteOf is the byte of a token <0x..>.
func byteOf(token string) (b byte, ok bool) {
	digits, ok := strings.CutPrefix(token, "<0x")
	if !ok || len(token) != 6 || token[5] != '>' {
		return 0, false
	}
	v, err := strconv.ParseUint(digits[:2], 16, 8)
	return byte(v), err == nil
}
