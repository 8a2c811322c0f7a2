package checkpoint

import (
	"errors"
	"fmt"
	"math"

	"github.com/gopet-ml/gopet/models/checkpoint/internal/pickle"
)

// storagePart is a storage, or the part of one that old files share among
// tensors: its bytes from begin to end.
type storagePart struct {
	storage    *storage
	begin, end int64
}

// storages are those that a pickle names by their keys.
type storages struct {
	byKey map[string]*storage
	// found is told each storage when it is first named.
	found func(key string, s *storage) error
}

// rules of a pickle that holds tensors of these storages.
func (s *storages) rules() pickle.Rules {
	return pickle.Rules{Classes: classes, Persistent: s.persistent}
}

// persistent makes the storage of an identifier: the tuple ("storage", type,
// key, device, elements), in old files with None after it or a part, (key,
// first element, elements).
func (s *storages) persistent(value any) (any, error) {
	id, ok := value.(pickle.Tuple)
	if !ok || len(id) < 5 || len(id) > 6 || id[0] != any("storage") {
		return nil, errors.New("a persistent identifier that is not of a storage")
	}
	class, _ := id[1].(pickle.Class)
	dtype, ok := named[class]
	if !ok {
		return nil, fmt.Errorf("a storage of type %s", pickle.Kind(id[1]))
	}
	key, ok := id[2].(string)
	if !ok {
		return nil, fmt.Errorf("the key of a storage is %s, not a str", pickle.Kind(id[2]))
	}
	elements, err := count(id[4])
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", key, err)
	}
	all, err := s.storage(key, dtype, elements)
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", key, err)
	}
	whole := storagePart{all, 0, all.numBytes()}
	if len(id) == 5 || id[5] == nil {
		return whole, nil
	}
	return whole.part(id[5])
}

// storage returns the one of that key, which must be the same whenever it is
// named.
func (s *storages) storage(key string, dtype DType, elements int64) (*storage, error) {
	if known := s.byKey[key]; known != nil {
		if known.dtype != dtype || known.count != elements {
			return nil, fmt.Errorf("%d elements of %s, and before %d of %s", elements, dtype, known.count, known.dtype)
		}
		return known, nil
	}
	if elements > math.MaxInt64/int64(dtype.Size()) {
		return nil, fmt.Errorf("%d elements of %s are more than can be counted", elements, dtype)
	}
	fresh := &storage{dtype: dtype, count: elements}
	if err := s.found(key, fresh); err != nil {
		return nil, err
	}
	s.byKey[key] = fresh
	return fresh, nil
}

func (p storagePart) part(value any) (storagePart, error) {
	tuple, ok := value.(pickle.Tuple)
	if !ok || len(tuple) != 3 {
		return p, errors.New("a part of a storage that is not given by three values")
	}
	numbers, err := counts(tuple[1:])
	if err != nil {
		return p, fmt.Errorf("part of a storage: %w", err)
	}
	first, elements := numbers[0], numbers[1]
	if first > p.storage.count || elements > p.storage.count-first {
		return p, fmt.Errorf("%d elements from %d on are beyond a storage of %d", elements, first, p.storage.count)
	}
	size := int64(p.storage.dtype.Size())
	return storagePart{p.storage, first * size, (first + elements) * size}, nil
}
