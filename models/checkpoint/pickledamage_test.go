package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Pieces of pickles, assembled by hand.

func pickleOf(parts ...string) string { return "\x80\x02" + strings.Join(parts, "") + "." }

func str(s string) string { return "X" + u32(len(s)) + s }

func num(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func u32(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

func tupleOf(items ...string) string { return "(" + strings.Join(items, "") + "t" }

func nums(list ...int64) string {
	var items []string
	for _, n := range list {
		items = append(items, num(n))
	}
	return tupleOf(items...)
}

func class(name string) string {
	module, name, _ := strings.Cut(name, " ")
	return "c" + module + "\n" + name + "\n"
}

// storageOf is the storage "0".
func storageOf(kind string, count int64) string {
	return tupleOf(str("storage"), class("torch "+kind), str("0"), str("cpu"), num(count)) + "Q"
}

func tensorOf(storage string, offset int64, shape, strides string) string {
	return class("torch._utils _rebuild_tensor_v2") +
		tupleOf(storage, num(offset), shape, strides, "\x89", class("collections OrderedDict")+")R") + "R"
}

func dictOf(name, value string) string { return "}" + str(name) + value + "s" }

// good is a pickle of one tensor of four floats.
var good = pickleOf(dictOf("t", tensorOf(storageOf("FloatStorage", 4), 0, nums(2, 2), nums(2, 1))))

// zipOf is an archive with this pickle and 16 bytes of data; change sees each
// record before it is written.
func zipOf(t *testing.T, value string, change func(*zip.FileHeader)) []byte {
	t.Helper()
	return zipRecords(t, change, "a/data.pkl", value, "a/byteorder", "little", "a/data/0", "0123456789abcdef")
}

func zipRecords(t *testing.T, change func(*zip.FileHeader), records ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(records); i += 2 {
		header := &zip.FileHeader{Name: records[i]}
		if change != nil {
			change(header)
		}
		record, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := record.Write([]byte(records[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// legacyOf is a legacy file of this value, the keys of its storages, and what
// follows.
func legacyOf(value, keys, data string) []byte {
	return []byte(legacyHead("\x88") + value + keys + data)
}

func legacyHead(littleEndian string) string {
	return pickleOf("\x8a\x0a"+string(legacyMagic)) + pickleOf(num(legacyVersion)) + pickleOf(dictOf("little_endian", littleEndian))
}

// wantPickle opens a file of these bytes: with no parts it must be good, else
// refused in a line that holds them.
func wantPickle(t *testing.T, content []byte, parts ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.bin")
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	p, err := OpenPickle(path)
	if err != nil && len(parts) == 0 {
		t.Error(err)
	}
	if err == nil {
		p.Close()
	}
	if len(parts) > 0 {
		wantOneLine(t, err, append(parts, path)...)
	}
}

func TestDamagedArchives(t *testing.T) {
	only := func(name string, change func(*zip.FileHeader)) func(*zip.FileHeader) {
		return func(h *zip.FileHeader) {
			if h.Name == name {
				change(h)
			}
		}
	}
	deflate := func(h *zip.FileHeader) { h.Method = zip.Deflate }
	const data = "0123456789abcdef"
	for name, test := range map[string]struct {
		file  []byte
		parts []string
	}{
		"good":                      {zipOf(t, good, nil), nil},
		"good without byte order":   {zipRecords(t, nil, "a/data.pkl", good, "a/data/0", data), nil},
		"good after other bytes":    {append([]byte(zipMagic+"junk"), zipOf(t, good, nil)...), nil},
		"compressed pickle":         {zipOf(t, good, only("a/data.pkl", deflate)), []string{`"data.pkl" is compressed`, "zip -0"}},
		"compressed storage":        {zipOf(t, good, only("a/data/0", deflate)), []string{`"data/0" is compressed`}},
		"encrypted":                 {patchFlags(zipOf(t, good, nil), "a/data/0"), []string{`"data/0" is encrypted`}},
		"size beyond the file":      {patchSize(zipOf(t, good, nil), "a/data/0", 1<<31), []string{`"data/0": 2147483648 bytes`, "beyond the file's end"}},
		"size of the pickle":        {patchSize(zipOf(t, good, nil), "a/data.pkl", 1<<31), []string{`"data.pkl": 2147483648 bytes`, "beyond the file's end"}},
		"pickle shorter than it is": {patchSize(zipOf(t, good, nil), "a/data.pkl", 40), []string{"pickle: byte", "cut short"}},
		"storage shorter":           {patchSize(zipOf(t, good, nil), "a/data/0", 15), []string{`storage "0"`, "need 16 bytes, its record has 15"}},
		"storage longer":            {patchSize(zipOf(t, good, nil), "a/data/0", 17), []string{"need 16 bytes, its record has 17"}},
		"offset beyond the file":    {patchOffset(zipOf(t, good, nil), "a/data/0", 1<<30), []string{`"data/0"`}},
		"offset of no record":       {patchOffset(zipOf(t, good, nil), "a/data/0", 3), []string{`"data/0"`}},
		"record twice":              {zipRecords(t, nil, "a/data.pkl", good, "a/data/0", data, "a/data/0", data), []string{`"a/data/0" comes twice`}},
		"two pickles":               {zipRecords(t, nil, "a/data.pkl", good, "b/data.pkl", good), []string{"two records data.pkl"}},
		"no pickle":                 {zipRecords(t, nil, "a/data/0", data), []string{"no record data.pkl", "not a file of torch.save"}},
		"pickle in a folder":        {zipRecords(t, nil, "a/b/data.pkl", good), []string{"no record data.pkl"}},
		"no storage":                {zipRecords(t, nil, "a/data.pkl", good), []string{`storage "0": no record "data/0"`}},
		"no records":                {zipRecords(t, nil), []string{"neither a zip archive nor a pickle"}},
		"other byte order":          {zipRecords(t, nil, "a/data.pkl", good, "a/byteorder", "middle-endian"), []string{`byte order "middle`, "want little"}},
		"little and more":           {zipRecords(t, nil, "a/data.pkl", good, "a/byteorder", "littlest"), []string{`byte order "little`, "want little"}},
		"empty pickle":              {zipRecords(t, nil, "a/data.pkl", ""), []string{"cut short"}},
		"directory of junk":         {[]byte(zipMagic + strings.Repeat("x", 100)), []string{"zip archive", "damaged or cut short"}},
	} {
		t.Run(name, func(t *testing.T) { wantPickle(t, test.file, test.parts...) })
	}
}

// directory returns the place of a record's entry in an archive's directory.
func directory(file []byte, name string) int {
	return bytes.LastIndex(file, []byte(name)) - 46
}

func patchFlags(file []byte, name string) []byte {
	file[directory(file, name)+8] |= 1
	return file
}

func patchSize(file []byte, name string, size uint32) []byte {
	entry := file[directory(file, name):]
	binary.LittleEndian.PutUint32(entry[20:], size)
	binary.LittleEndian.PutUint32(entry[24:], size)
	return file
}

func patchOffset(file []byte, name string, offset uint32) []byte {
	binary.LittleEndian.PutUint32(file[directory(file, name)+42:], offset)
	return file
}

func TestDamagedLegacyFiles(t *testing.T) {
	keys := pickleOf("]" + str("0") + "a")
	data := num(4)[2:] + "0123456789abcdef"
	part := func(key string, first, count int64) string {
		storage := tupleOf(str("storage"), class("torch FloatStorage"), str("0"), str("cpu"), num(4), tupleOf(str(key), num(first), num(count))) + "Q"
		return pickleOf(dictOf("t", tensorOf(storage, 1, nums(2), nums(1))))
	}
	for name, test := range map[string]struct {
		file  []byte
		parts []string
	}{
		"good":                       {legacyOf(good, keys, data), nil},
		"part of a storage":          {legacyOf(part("1", 1, 3), keys, data), nil},
		"tensor beyond the part":     {legacyOf(part("1", 1, 2), keys, data), []string{`"t"`, "beyond its storage"}},
		"part beyond the storage":    {legacyOf(part("1", 2, 3), keys, data), []string{"3 elements from 2 on are beyond a storage of 4"}},
		"bytes after":                {legacyOf(good, keys, data+"x"), []string{"1 bytes after the last storage"}},
		"no data":                    {legacyOf(good, keys, ""), []string{`storage "0"`, "cut short"}},
		"other number of elements":   {legacyOf(good, keys, num(5)[2:]+data), []string{`storage "0": has 5 elements, tensors say 4`}},
		"negative number":            {legacyOf(good, keys, num(-1)[2:]+data), []string{`storage "0"`}},
		"storage of no tensor":       {legacyOf(good, pickleOf("]"+str("1")+"a"), data), []string{`no tensor names storage "1"`}},
		"storage missing":            {legacyOf(good, pickleOf("]"), ""), []string{`storage "0" is not in the file`}},
		"storage twice":              {legacyOf(good, pickleOf("]"+str("0")+"a"+str("0")+"a"), data+data), []string{`storage "0" comes twice`}},
		"keys that are no list":      {legacyOf(good, pickleOf("N"), data), []string{"keys of the storages are None, not a list"}},
		"keys that name a class":     {legacyOf(good, pickleOf(class("os system")), data), []string{"keys of the storages", `class "os.system"`}},
		"big-endian":                 {[]byte(legacyHead("\x89") + good), []string{"big-endian"}},
		"byte order of no bool":      {[]byte(legacyHead("K\x01") + good), []string{"big-endian"}},
		"no system":                  {[]byte(pickleOf("\x8a\x0a"+string(legacyMagic)) + pickleOf(num(legacyVersion)) + pickleOf("N")), []string{"None, not a dict"}},
		"other version":              {[]byte(pickleOf("\x8a\x0a"+string(legacyMagic)) + pickleOf(num(1002))), []string{"another version"}},
		"version of itself":          {[]byte(pickleOf("\x8a\x0a"+string(legacyMagic)) + pickleOf("]q\x00h\x00a")), []string{"another version"}},
		"other number at the start":  {[]byte(pickleOf(dictOf("a", num(1)))), []string{"a pickle, but not of torch.save"}},
		"tensor at the start":        {[]byte(good), []string{"a persistent identifier, where none belongs"}},
		"class in the magic number":  {[]byte(pickleOf(class("os system"))), []string{`class "os.system"`}},
		"elements beyond the file":   {legacyOf(pickleOf(dictOf("t", tensorOf(storageOf("FloatStorage", 1<<40), 0, nums(1), nums(1)))), keys, num(1 << 40)[2:]), []string{"do not fit in the file"}},
		"elements beyond all counts": {legacyOf(pickleOf(dictOf("t", tensorOf(storageOf("FloatStorage", 1<<62), 0, nums(1), nums(1)))), keys, num(1 << 62)[2:]), []string{"more than can be counted"}},
	} {
		t.Run(name, func(t *testing.T) { wantPickle(t, test.file, test.parts...) })
	}
}

// TestTensorsThatLie says something wrong of a tensor over a storage of 16 bytes.
func TestTensorsThatLie(t *testing.T) {
	floats := storageOf("FloatStorage", 4)
	const most = 1<<63 - 1
	rebuild := func(function string, args ...string) string {
		return class("torch._utils "+function) + tupleOf(args...) + "R"
	}
	for name, test := range map[string]struct {
		tensor string
		parts  []string
	}{
		"good":                        {tensorOf(floats, 1, nums(3), nums(1)), nil},
		"expanded":                    {tensorOf(floats, 0, nums(2, 2, 2), nums(0, 0, 3)), nil},
		"empty":                       {tensorOf(floats, 4, nums(7, 0), nums(most, most)), nil},
		"one element beyond":          {tensorOf(floats, 2, nums(3), nums(1)), []string{`"t"`, "beyond its storage"}},
		"strides beyond":              {tensorOf(floats, 0, nums(2, 2), nums(3, 1)), []string{`"t"`, "beyond its storage"}},
		"offset beyond":               {tensorOf(floats, 5, nums(1), nums(1)), []string{"offset 5 is beyond its storage"}},
		"offset at the end":           {tensorOf(floats, 4, nums(), nums()), []string{"beyond its storage"}},
		"offset of 2^63-1":            {tensorOf(floats, most, nums(1), nums(1)), []string{"beyond its storage"}},
		"stride of 2^63-1":            {tensorOf(floats, 0, nums(2), nums(most)), []string{"beyond its storage"}},
		"strides that overflow":       {tensorOf(floats, 0, nums(3, 3), nums(1<<62, 1<<62)), []string{"beyond its storage"}},
		"shape beyond the file":       {tensorOf(floats, 0, nums(1<<40), nums(0)), []string{`"t"`, "more than the", "of the file"}},
		"shape beyond all counts":     {tensorOf(floats, 0, nums(1<<40, 1<<40), nums(0, 0)), []string{"more bytes than can be counted"}},
		"negative dimension":          {tensorOf(floats, 0, nums(-1), nums(1)), []string{"shape: -1 is below 0"}},
		"negative stride":             {tensorOf(floats, 3, nums(2), nums(-1)), []string{"strides: -1 is below 0"}},
		"negative offset":             {tensorOf(floats, -1, nums(2), nums(1)), []string{"offset: -1 is below 0"}},
		"more strides":                {tensorOf(floats, 0, nums(2), nums(1, 1)), []string{"differ in length"}},
		"33 dimensions":               {tensorOf(floats, 0, nums(make([]int64, 33)...), nums(make([]int64, 33)...)), []string{"33 dimensions"}},
		"shape of floats":             {tensorOf(floats, 0, tupleOf("G"+num(0)[2:]), nums(1)), []string{"shape: a float, not an int"}},
		"shape of 2^64":               {tensorOf(floats, 0, tupleOf("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01"), nums(1)), []string{"shape: an int, not an int of 64 bits"}},
		"shape that is a list":        {tensorOf(floats, 0, "]", nums(1)), []string{"shape: a list, not a tuple"}},
		"negative storage":            {tensorOf(storageOf("FloatStorage", -4), 0, nums(1), nums(1)), []string{"-4 is below 0"}},
		"storage of another size":     {tensorOf(storageOf("FloatStorage", 3), 0, nums(1), nums(1)), []string{"need 12 bytes, its record has 16"}},
		"storage of two types":        {tupleOf(floats, storageOf("IntStorage", 4)), []string{"4 elements of I32, and before 4 of F32"}},
		"storage of two sizes":        {tupleOf(floats, storageOf("FloatStorage", 5)), []string{"5 elements of F32, and before 4 of F32"}},
		"storage of an unknown class": {tensorOf(storageOf("ComplexDoubleStorage", 1), 0, nums(1), nums(1)), []string{`class "torch.ComplexDoubleStorage"`}},
		"storage of a function":       {tupleOf(str("storage"), class("torch Size"), str("0"), str("cpu"), num(4)) + "Q", []string{`a storage of type the class "torch.Size"`}},
		"storage with a number":       {tupleOf(str("storage"), class("torch FloatStorage"), num(0), str("cpu"), num(4)) + "Q", []string{"the key of a storage is an int"}},
		"module":                      {tupleOf(str("module"), "N", "N", "N", "N") + "Q", []string{"not of a storage"}},
		"short identifier":            {tupleOf(str("storage")) + "Q", []string{"not of a storage"}},
		"identifier of a number":      {num(1) + "Q", []string{"not of a storage"}},
		"storage itself":              {floats, []string{`"t" is an object, not a tensor`}},
		"type called":                 {class("torch FloatStorage") + ")R", []string{`"torch.FloatStorage" may not be called`}},
		"no arguments":                {rebuild("_rebuild_tensor_v2"), []string{"_rebuild_tensor_v2", "arguments other than"}},
		"no arguments at first":       {rebuild("_rebuild_tensor"), []string{"_rebuild_tensor", "arguments other than"}},
		"no arguments of three":       {rebuild("_rebuild_tensor_v3"), []string{"_rebuild_tensor_v3", "arguments other than"}},
		"no storage":                  {rebuild("_rebuild_tensor", "N", num(0), nums(), nums()), []string{"arguments other than"}},
		"type of elements unknown":    {rebuild("_rebuild_tensor_v3", floats, num(0), nums(1), nums(1), "\x89", "N", "N"), []string{"arguments other than"}},
		"parameter of nothing":        {rebuild("_rebuild_parameter", "N", "\x89", "N"), []string{"_rebuild_parameter", "arguments other than"}},
		"parameter of too little":     {rebuild("_rebuild_parameter", "N"), []string{"arguments other than"}},
		"size of nothing":             {class("torch Size") + ")R", []string{"torch.Size", "arguments other than"}},
		"size of a number":            {class("torch Size") + tupleOf(num(1)) + "R", []string{"arguments other than"}},
		"state of a tensor":           {tensorOf(floats, 0, nums(1), nums(1)) + "}b", []string{"BUILD", "sets the state of an object"}},
	} {
		t.Run(name, func(t *testing.T) { wantPickle(t, zipOf(t, pickleOf(dictOf("t", test.tensor)), nil), test.parts...) })
	}
	twice := "}(" + strings.Repeat(str("t")+tensorOf(floats, 0, nums(1), nums(1)), 2) + "u"
	wantPickle(t, zipOf(t, pickleOf(twice), nil), `"t" comes twice`)
}

func TestStoragesOfTheirOwnKinds(t *testing.T) {
	for _, kind := range []string{"torch UntypedStorage", "torch.storage UntypedStorage", "torch._utils X"} {
		storage := tupleOf(str("storage"), class(kind), str("0"), str("cuda:0"), num(16)) + "Q"
		file := zipOf(t, pickleOf(dictOf("t", tensorOf(storage, 4, nums(3), nums(2)))), nil)
		if kind == "torch._utils X" {
			wantPickle(t, file, `class "torch._utils.X"`)
			continue
		}
		path := filepath.Join(t.TempDir(), "x.bin")
		if err := os.WriteFile(path, file, 0o666); err != nil {
			t.Fatal(err)
		}
		if got := string(mustRead(t, mustOpenPickle(t, path), "t")); got != "468" {
			t.Errorf("%s: read %q, want every other byte from the fifth on", kind, got)
		}
	}
}

// TestManyTensorsOfOneShape shares one tuple among tensors, as a small file may
// that wants much memory.
func TestManyTensorsOfOneShape(t *testing.T) {
	var b strings.Builder
	b.WriteString("}(")
	args := tupleOf(storageOf("FloatStorage", 4), num(0), nums(make([]int64, 32)...)+"q\x00", "h\x00", "\x89", "N") + "q\x01"
	function := class("torch._utils _rebuild_tensor_v2") + "q\x02"
	for i := range 1000 {
		b.WriteString(str(fmt.Sprint(i)))
		if i == 0 {
			b.WriteString(function + args + "R")
		} else {
			b.WriteString("h\x02h\x01R")
		}
	}
	wantPickle(t, zipOf(t, pickleOf(b.String()+"u"), nil))
}
