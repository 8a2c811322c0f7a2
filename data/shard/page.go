package shard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"

	"github.com/gopet-ml/gopet/data/column"
)

// A page is a run of a column's entries: values and levels.
type page struct {
	repetition []uint32 // nil where nothing repeats
	definition []uint32 // nil where nothing can be null
	values     *column.Values
}

// entries returns how many values and nulls the page holds.
func (p *page) entries() int {
	if p.definition != nil {
		return len(p.definition)
	}
	return p.values.Len()
}

// A pageReader goes through the pages of one column chunk.
type pageReader struct {
	leaf       *leaf
	meta       *format.ColumnMetaData
	data       []byte // the chunk from the next page on
	dictionary *column.Values
}

// next returns the next data page, or nil after the last.
func (r *pageReader) next() (*page, error) {
	for len(r.data) > 0 {
		header, body, err := r.nextBody()
		if err != nil {
			return nil, err
		}
		switch header.Type {
		case format.DictionaryPage:
			err = r.readDictionary(header, body)
		case format.DataPage:
			return r.readV1(header, body)
		case format.DataPageV2:
			return r.readV2(header, body)
		case format.IndexPage:
		default:
			err = fmt.Errorf("page of unknown type %d", header.Type)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

var (
	errPageSize = errors.New("a page header's sizes do not fit the column")
	errChecksum = errors.New("a page's checksum does not match: the file is damaged")
)

func (r *pageReader) nextBody() (*format.PageHeader, []byte, error) {
	header := new(format.PageHeader)
	n, err := decodeThrift(r.data, header)
	if err != nil {
		return nil, nil, fmt.Errorf("page header: %w", err)
	}
	rest := r.data[n:]
	size := int64(header.CompressedPageSize)
	if size < 0 || size > int64(len(rest)) || header.UncompressedPageSize < 0 ||
		int64(header.UncompressedPageSize) > r.meta.TotalUncompressedSize {
		return nil, nil, errPageSize
	}
	body := rest[:size]
	r.data = rest[size:]
	if header.CRC != 0 && uint32(header.CRC) != crc32.ChecksumIEEE(body) {
		return nil, nil, errChecksum
	}
	return header, body, nil
}

// checkCount returns the number of entries that a data page claims.
func (r *pageReader) checkCount(n int32) (int, error) {
	if n < 0 || n > maxGroupRows || int64(n) > r.meta.NumValues {
		return 0, fmt.Errorf("%w: a page of %d values", errPageSize, n)
	}
	return int(n), nil
}

func (r *pageReader) readDictionary(header *format.PageHeader, body []byte) error {
	n := header.DictionaryPageHeader.V.NumValues
	if n < 0 || n > maxGroupRows {
		return fmt.Errorf("%w: a dictionary of %d values", errPageSize, n)
	}
	data, err := decompress(r.meta.Codec, body, int(header.UncompressedPageSize))
	if err != nil {
		return fmt.Errorf("dictionary: %w", err)
	}
	r.dictionary, err = decodeValues(r.leaf, format.Plain, data, int(n), nil)
	if err != nil {
		return fmt.Errorf("dictionary: %w", err)
	}
	return nil
}

func (r *pageReader) readV1(header *format.PageHeader, body []byte) (*page, error) {
	h := &header.DataPageHeader.V
	n, err := r.checkCount(h.NumValues)
	if err != nil {
		return nil, err
	}
	data, err := decompress(r.meta.Codec, body, int(header.UncompressedPageSize))
	if err != nil {
		return nil, err
	}
	p := new(page)
	if p.repetition, data, err = takeLevelsV1(data, h.RepetitionLevelEncoding, r.leaf.maxRepetition, n); err != nil {
		return nil, err
	}
	if p.definition, data, err = takeLevelsV1(data, h.DefinitionLevelEncoding, r.leaf.maxDefinition, n); err != nil {
		return nil, err
	}
	return p, r.readValues(p, h.Encoding, data, n)
}

// takeLevelsV1 decodes n levels that follow their length in bytes, and returns
// the data after them.
func takeLevelsV1(data []byte, encoding format.Encoding, highest, n int) ([]uint32, []byte, error) {
	if highest == 0 {
		return nil, data, nil
	}
	if encoding != format.RLE {
		return nil, nil, fmt.Errorf("levels in encoding %s are not supported", encoding)
	}
	if len(data) < 4 {
		return nil, nil, errShort
	}
	length := int64(binary.LittleEndian.Uint32(data))
	if length > int64(len(data)-4) {
		return nil, nil, errShort
	}
	levels, err := decodeLevels(data[4:4+length], highest, n)
	return levels, data[4+length:], err
}

func (r *pageReader) readV2(header *format.PageHeader, body []byte) (*page, error) {
	h := &header.DataPageHeaderV2.V
	n, err := r.checkCount(h.NumValues)
	if err != nil {
		return nil, err
	}
	repetition, definition := int64(h.RepetitionLevelsByteLength), int64(h.DefinitionLevelsByteLength)
	if repetition < 0 || definition < 0 || repetition+definition > int64(len(body)) ||
		repetition+definition > int64(header.UncompressedPageSize) {
		return nil, errPageSize
	}
	p := new(page)
	if p.repetition, err = decodeLevels(body[:repetition], r.leaf.maxRepetition, n); err != nil {
		return nil, err
	}
	if p.definition, err = decodeLevels(body[repetition:repetition+definition], r.leaf.maxDefinition, n); err != nil {
		return nil, err
	}
	data := body[repetition+definition:]
	if packed := h.IsCompressed; !packed.Valid || packed.V {
		size := int64(header.UncompressedPageSize) - repetition - definition
		if data, err = decompress(r.meta.Codec, data, int(size)); err != nil {
			return nil, err
		}
	}
	return p, r.readValues(p, h.Encoding, data, n)
}

// readValues decodes the values of a page of n entries whose levels are known.
func (r *pageReader) readValues(p *page, encoding format.Encoding, data []byte, n int) (err error) {
	if p.definition != nil {
		n = 0
		for _, level := range p.definition {
			if level == uint32(r.leaf.maxDefinition) {
				n++
			}
		}
	}
	p.values, err = decodeValues(r.leaf, encoding, data, n, r.dictionary)
	return err
}

// decodeLevels decodes n levels from 0 to highest, or returns nil where 0 is
// the only one.
func decodeLevels(data []byte, highest, n int) ([]uint32, error) {
	if highest == 0 {
		return nil, nil
	}
	levels := make([]uint32, n)
	if err := decodeHybrid(data, bits.Len(uint(highest)), levels); err != nil {
		return nil, fmt.Errorf("levels: %w", err)
	}
	for _, level := range levels {
		if level > uint32(highest) {
			return nil, fmt.Errorf("level %d above the highest, %d", level, highest)
		}
	}
	return levels, nil
}
