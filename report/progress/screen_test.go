package progress

import (
	"strings"
	"testing"
)

// screen is a terminal that wraps at a width and knows the few codes a bar may
// use; any other fails the test.
type screen struct {
	t      *testing.T
	width  int
	rows   [][]rune
	x, y   int
	writes int
}

func (s *screen) Write(p []byte) (int, error) {
	s.writes++
	text := string(p)
	for len(text) > 0 {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' })
			s.escape(rest[:end], rest[end])
			text = rest[end+1:]
			continue
		}
		r := []rune(text)[0]
		s.put(r)
		text = text[len(string(r)):]
	}
	return len(p), nil
}

func (s *screen) row() *[]rune {
	for len(s.rows) <= s.y {
		s.rows = append(s.rows, nil)
	}
	return &s.rows[s.y]
}

func (s *screen) put(r rune) {
	switch r {
	case '\r':
		s.x = 0
	case '\n':
		s.x, s.y = 0, s.y+1
		s.row()
	default:
		if s.x == s.width {
			s.x, s.y = 0, s.y+1
		}
		row := s.row()
		for len(*row) <= s.x {
			*row = append(*row, ' ')
		}
		(*row)[s.x] = r
		s.x++
	}
}

func (s *screen) escape(arguments string, command byte) {
	row := s.row()
	switch command {
	case 'm': // a style
	case 'A':
		if arguments == "" || strings.Trim(arguments, "0123456789") != "" {
			s.t.Fatalf("moved up by %q", arguments)
		}
		for range arguments[0] - '0' {
			s.y--
		}
	case 'K', 'J':
		*row = (*row)[:min(s.x, len(*row))]
		if command == 'J' {
			s.rows = s.rows[:s.y+1]
		}
	default:
		s.t.Fatalf("escape code %q%c", arguments, command)
	}
}

// resize wraps the rows anew, as modern terminals do, each row being a line.
func (s *screen) resize(width int) {
	lines := s.rows
	s.rows, s.x, s.y, s.width = nil, 0, -1, width
	for _, line := range lines {
		s.x, s.y = 0, s.y+1
		s.row()
		for _, r := range line {
			s.put(r)
		}
	}
}

func (s *screen) lines() []string {
	list := []string{}
	for _, row := range s.rows {
		list = append(list, strings.TrimRight(string(row), " "))
	}
	return list
}
