package checkpoint

// Companions names the files of a Hugging Face directory that transformers
// reads beside config.json and the weights.
func Companions() []string {
	return []string{
		"generation_config.json",
		"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
		"vocab.txt",                // WordPiece
		"vocab.json", "merges.txt", // byte-level BPE
		"spiece.model", "sentencepiece.bpe.model", "tokenizer.model", // SentencePiece
	}
}
