package hub

import (
	"crypto/sha1" // names of git's objects, no secrets
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// sum starts the checksum that a blob is named after.
func (b blob) sum() hash.Hash {
	if len(b.etag) == hex.EncodedLen(sha256.Size) {
		return sha256.New()
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", b.size)
	return h
}

// verify compares a whole file with its checksum.
func (b blob) verify(file io.Reader) error {
	h := b.sum()
	if _, err := io.Copy(h, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != b.etag {
		return errChecksum
	}
	return nil
}
