package pickle

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// rules allow one function and one class that is only named.
var rules = Rules{
	Classes: map[string]Call{
		"m.double": func(args Tuple) (any, error) {
			for _, arg := range args {
				if n, ok := arg.(int64); ok {
					return 2 * n, nil
				}
			}
			return nil, fmt.Errorf("no number to double")
		},
		"m.Named": nil,
	},
	Persistent: func(id any) (any, error) { return Tuple{"persistent", id}, nil },
}

func load(text string) (any, error) {
	return Load(NewReader(strings.NewReader(text), 0, int64(len(text))), rules)
}

const newDict = "ccollections\nOrderedDict\n"

// TestLoad reads pickles that use each opcode.
func TestLoad(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want any
	}{
		"NONE":             {"N", nil},
		"NEWTRUE":          {"\x88", true},
		"NEWFALSE":         {"\x89", false},
		"BININT1":          {"K\xff", int64(255)},
		"BININT2":          {"M\xff\xfe", int64(0xfeff)},
		"BININT":           {"J\xfe\xff\xff\xff", int64(-2)},
		"LONG1 of 0":       {"\x8a\x00", int64(0)},
		"LONG1":            {"\x8a\x02\x00\x80", int64(-32768)},
		"LONG1 of 255":     {"\x8a\x02\xff\x00", int64(255)},
		"LONG1 of 8":       {"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80", int64(math.MinInt64)},
		"LONG1 of 9":       {"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00", Long("\x00\x00\x00\x00\x00\x00\x00\x80\x00")},
		"LONG4":            {"\x8b\x01\x00\x00\x00\x05", int64(5)},
		"BINFLOAT":         {"G\x3f\xf8\x00\x00\x00\x00\x00\x00", 1.5},
		"SHORT_BINUNICODE": {"\x8c\x02\xc3\xa9", "é"},
		"BINUNICODE":       {"X\x01\x00\x00\x00a", "a"},
		"BINUNICODE8":      {"\x8d\x01\x00\x00\x00\x00\x00\x00\x00a", "a"},
		"SHORT_BINSTRING":  {"U\x01a", "a"},
		"BINSTRING":        {"T\x01\x00\x00\x00a", "a"},
		"SHORT_BINBYTES":   {"C\x01\xff", Bytes("\xff")},
		"BINBYTES":         {"B\x01\x00\x00\x00\xff", Bytes("\xff")},
		"BINBYTES8":        {"\x8e\x01\x00\x00\x00\x00\x00\x00\x00\xff", Bytes("\xff")},
		"EMPTY_TUPLE":      {")", Tuple{}},
		"TUPLE1":           {"N\x85", Tuple{nil}},
		"TUPLE2":           {"NK\x01\x86", Tuple{nil, int64(1)}},
		"TUPLE3":           {"NK\x01N\x87", Tuple{nil, int64(1), nil}},
		"TUPLE":            {"(NN(tNt", Tuple{nil, nil, Tuple{}, nil}},
		"EMPTY_LIST":       {"]", &List{}},
		"APPEND, APPENDS":  {"]K\x01a(K\x02Ne", &List{Items: []any{int64(1), int64(2), nil}}},
		"EMPTY_DICT":       {"}", &Dict{}},
		"SETITEM":          {"}U\x01aK\x01s", &Dict{Pairs: []Pair{{"a", int64(1)}}}},
		"SETITEMS":         {"}(U\x01aK\x01U\x01aNu", &Dict{Pairs: []Pair{{"a", int64(1)}, {"a", nil}}}},
		"BINPUT":           {"K\x07q\x03h\x03\x86", Tuple{int64(7), int64(7)}},
		"LONG_BINPUT":      {"K\x07r\x00\x00\x01\x00j\x00\x00\x01\x00\x86", Tuple{int64(7), int64(7)}},
		"MEMOIZE":          {"(N\x94K\x07\x94h\x01h\x00t", Tuple{nil, int64(7), int64(7), nil}},
		"FRAME":            {"\x95\xff\xff\xff\xff\xff\xff\xff\xffN", nil},
		"GLOBAL":           {"cm\nNamed\n", Class("m.Named")},
		"STACK_GLOBAL":     {"U\x01mU\x05Named\x93", Class("m.Named")},
		"REDUCE":           {"cm\ndouble\nK\x04\x85R", int64(8)},
		"BINPERSID":        {"K\x01Q", Tuple{"persistent", int64(1)}},
		"OrderedDict":      {newDict + ")R(U\x01aNu}U\x01bNsb", &Dict{Pairs: []Pair{{"a", nil}}, ordered: true}},
		"of lists":         {newDict + "]](U\x01aNea\x85R", &Dict{Pairs: []Pair{{"a", nil}}, ordered: true}},
		"of tuples":        {newDict + "]U\x01aN\x86a\x85R", &Dict{Pairs: []Pair{{"a", nil}}, ordered: true}},
	} {
		got, err := load("\x80\x02" + test.text + ".")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(Dict{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestSeveralInARow reads one pickle after the other, each with a memo of its own.
func TestSeveralInARow(t *testing.T) {
	const text = "\x80\x02K\x01q\x00.\x80\x05K\x02.\x80\x02h\x00."
	r := NewReader(strings.NewReader(text), 0, int64(len(text)))
	for _, want := range []int64{1, 2} {
		if got, err := Load(r, Rules{}); err != nil || got != any(want) {
			t.Errorf("read %v (%v), want %d", got, err, want)
		}
	}
	if _, err := Load(r, Rules{}); err == nil || !strings.Contains(err.Error(), "nothing is kept under 0") {
		t.Errorf("the third read what the first kept: %v", err)
	}
	if r.Offset() != int64(len(text))-1 {
		t.Errorf("stands at %d of %d", r.Offset(), len(text))
	}
}

// TestSelf reads values that hold themselves.
func TestSelf(t *testing.T) {
	got, err := load("\x80\x02]q\x00h\x00a.")
	if err != nil {
		t.Fatal(err)
	}
	list := got.(*List)
	if len(list.Items) != 1 || list.Items[0] != any(list) {
		t.Errorf("a list that does not hold itself: %d items", len(list.Items))
	}
	if _, err := load("\x80\x02}q\x00(h\x00h\x00u."); err != nil {
		t.Error(err)
	}
}

func TestRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":              {"", "cut short"},
		"no protocol":          {"N.", "byte 0: begins with 0x4e"},
		"protocol 1":           {"\x80\x01N.", "protocol 1: want 2 to 5"},
		"protocol 6":           {"\x80\x06N.", "protocol 6: want 2 to 5"},
		"protocol again":       {"\x80\x02\x80\x02N.", "PROTO: not an opcode of plain data"},
		"no end":               {"\x80\x02N", "cut short"},
		"end without a value":  {"\x80\x02.", "ends with 0 values"},
		"end with two values":  {"\x80\x02NN.", "ends with 2 values"},
		"end within a mark":    {"\x80\x02N(.", "ends with 1 values"},
		"unknown opcode":       {"\x80\x02\xfe", "byte 2: opcode 0xfe: not an opcode"},
		"text of protocol 0":   {"\x80\x02I1\n.", "INT: not an opcode"},
		"POP":                  {"\x80\x02N0", "POP: not an opcode"},
		"DUP":                  {"\x80\x02N2", "DUP: not an opcode"},
		"EMPTY_SET":            {"\x80\x04\x8f", "EMPTY_SET: not an opcode"},
		"EXT1":                 {"\x80\x02\x82\x01", "EXT1: not an opcode"},
		"NEXT_BUFFER":          {"\x80\x05\x97", "NEXT_BUFFER: not an opcode"},
		"PERSID":               {"\x80\x02Pa\n", "PERSID: not an opcode"},
		"other class":          {"\x80\x02cos\nsystem\n", `GLOBAL: class "os.system" is not one`},
		"other class by stack": {"\x80\x04\x8c\x02os\x8c\x06system\x93", `STACK_GLOBAL: class "os.system" is not one`},
		"class in two halves":  {"\x80\x04\x8c\x01m\x8c\x06Named.\x93", `class "m.Named."`},
		"class of a number":    {"\x80\x04K\x01\x8c\x06system\x93", "not a str"},
		"class of odd letters": {"\x80\x02co\x1bs\nsys\xfftem\n", `class "o\x1bs.sys\xfftem"`},
		"class without end":    {"\x80\x02c" + strings.Repeat("a", 1000), "a name of more than 255 bytes"},
		"class cut short":      {"\x80\x02cm\nNam", "cut short"},
		"class called":         {"\x80\x02cm\nNamed\n)R", `class "m.Named" may not be called`},
		"call that fails":      {"\x80\x02cm\ndouble\nN\x85R", "REDUCE: m.double: no number to double"},
		"call of a value":      {"\x80\x02K\x01)R", "calls an int, which is no class"},
		"call of a name":       {"\x80\x02U\x08m.double)R", "calls a str, which is no class"},
		"call with a list":     {"\x80\x02cm\ndouble\n]R", "with a list, not with a tuple"},
		"INST":                 {"\x80\x02(ios\nsystem\n", `INST: class "os.system" is not one`},
		"INST of a class":      {"\x80\x02(im\nNamed\n", `INST: makes an object of the class "m.Named"`},
		"OBJ":                  {"\x80\x02(cm\nNamed\nNo", `OBJ: makes an object of the class "m.Named"`},
		"OBJ of nothing":       {"\x80\x02(o", "the stack holds too little"},
		"NEWOBJ":               {"\x80\x02cm\nNamed\n)\x81", `NEWOBJ: makes an object of the class "m.Named"`},
		"NEWOBJ_EX":            {"\x80\x04cm\nNamed\n)}\x92", `NEWOBJ_EX: makes an object of the class "m.Named"`},
		"BUILD of a dict":      {"\x80\x02}}b", "sets the state of a dict"},
		"BUILD of a class":     {"\x80\x02cm\nNamed\n}b", `sets the state of the class "m.Named"`},
		"BUILD of nothing":     {"\x80\x02}b", "the stack holds too little"},
		"OrderedDict of two":   {"\x80\x02" + newDict + "]]\x86R", "something other than one list"},
		"OrderedDict of None":  {"\x80\x02" + newDict + "N\x85R", "something other than one list"},
		"OrderedDict of ints":  {"\x80\x02" + newDict + "]K\x01a\x85R", "a list of something other than pairs"},
		"OrderedDict of three": {"\x80\x02" + newDict + "]NNN\x87a\x85R", "a list of something other than pairs"},
		"tuple of too little":  {"\x80\x02NN\x87", "the stack holds too little"},
		"tuple over a mark":    {"\x80\x02N(N\x86", "the stack holds too little"},
		"tuple without mark":   {"\x80\x02Nt", "no MARK before it"},
		"append to a tuple":    {"\x80\x02)Na", "appends to a tuple, not to a list"},
		"append to nothing":    {"\x80\x02Na", "the stack holds too little"},
		"items of a list":      {"\x80\x02]NNs", "sets items of a list, not of a dict"},
		"key without a value":  {"\x80\x02}(Nu", "a key without a value"},
		"memo of nothing":      {"\x80\x02q\x00", "the stack holds too little"},
		"memo unknown":         {"\x80\x02h\x05", "nothing is kept under 5"},
		"memo over a mark":     {"\x80\x02N(q\x00", "the stack holds too little"},
		"str longer than all":  {"\x80\x02X\xff\xff\xff\xffa", "cut short"},
		"str of 2^64-1":        {"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "cut short"},
		"bytes of 2^63":        {"\x80\x04\x8e\x00\x00\x00\x00\x00\x00\x00\x80", "cut short"},
		"str not UTF-8":        {"\x80\x02U\x01\xff", "not UTF-8"},
		"huge int":             {"\x80\x02\x8b\xff\xff\xff\x7f", "an int of 2147483647 bytes"},
		"int cut short":        {"\x80\x02\x8a\x08abc", "cut short"},
		"float cut short":      {"\x80\x02Gabc", "cut short"},
		"frame cut short":      {"\x80\x04\x95abc", "cut short"},
	} {
		_, err := load(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, test.want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q is more than one line", name, err)
		}
	}
	if _, err := Load(NewReader(strings.NewReader("\x80\x02NQ."), 0, 5), Rules{}); err == nil || !strings.Contains(err.Error(), "where none belongs") {
		t.Errorf("a persistent identifier without a rule for it: %v", err)
	}
}

// levels appends tuples to a list, each of ten times the one before: the last
// stands for 10^n values.
func levels(n int) string {
	var b strings.Builder
	b.WriteString("Nq\x00a")
	for range n {
		b.WriteString("(" + strings.Repeat("h\x00", 10) + "tq\x00a")
	}
	return b.String()
}

// TestBombs reads small pickles that stand for much, and wants little memory
// taken or the pickle refused.
func TestBombs(t *testing.T) {
	list := "](" + strings.Repeat("NN\x86", 100_000) + "eq\x00"
	for name, test := range map[string]struct {
		text string
		want string // of the error; empty for none
	}{
		"laughs":                    {"\x80\x02]" + levels(100) + ".", ""},
		"steps":                     {"\x80\x02" + strings.Repeat("]", maxSteps+1), "more than"},
		"one list for many":         {"\x80\x02](" + list + strings.Repeat(newDict+"h\x00\x85R", 1000) + "e.", "more than"},
		"deep within itself":        {"\x80\x02" + strings.Repeat("]", 100_000) + strings.Repeat("a", 99_999) + ".", ""},
		"deep marks":                {"\x80\x02" + strings.Repeat("(", 100_000) + strings.Repeat("t", 100_000) + ".", ""},
		"one long string many time": {"\x80\x02](X\x00\x00\x10\x00" + strings.Repeat("a", 1<<20) + "q\x00" + strings.Repeat("h\x00", 100_000) + "e.", ""},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := load(test.text)
		runtime.ReadMemStats(&after)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 1<<30 {
			t.Errorf("%s: %d bytes made of %d", name, made, len(test.text))
		}
	}
}
