package tokenizer

func parseDecoder(s section) (decoder, error) {
	if s == nil {
		return joinTokens, nil
	}
	var list decoders
	err := s.each("decoders", func(kind string, s section) error {
		var d decoder
		var err error
		switch kind {
		case "WordPiece":
			d, err = parseWordPieceDecoder(s)
		case "Metaspace":
			var m *metaspace
			if m, err = parseMetaspace(s); err == nil {
				d = m.decode
			}
		case "ByteLevel":
			d = decodeByteLevel
		case "ByteFallback":
			d = decodeBytes
		case "Fuse":
			d = fuseTokens
		default:
			err = notSupported(kind, "WordPiece", "Metaspace", "ByteLevel", "ByteFallback", "Fuse", "Sequence")
		}
		list = append(list, d)
		return err
	})
	return list.decode, err
}

func parseWordPieceDecoder(s section) (decoder, error) {
	var prefix string
	var cleanup bool
	if err := s.fields("prefix", &prefix, "cleanup", &cleanup); err != nil {
		return nil, err
	}
	return wordPieceDecoder(prefix, cleanup), nil
}
