package hubtest

import (
	"net/http"
	"strconv"
	"strings"
)

// fault answers some requests in the server's place.
type fault struct {
	match  string // in the path
	large  bool
	times  int
	answer http.HandlerFunc
}

// Fail lets answer stand in for the Hub at the next so many requests whose
// path, as it was sent, holds match.
func (s *Server) Fail(match string, times int, answer http.HandlerFunc) {
	s.add(&fault{match: match, times: times, answer: answer})
}

// FailLarge is Fail for the host of large files; match is in the path, which
// holds the file's SHA-256.
func (s *Server) FailLarge(match string, times int, answer http.HandlerFunc) {
	s.add(&fault{match: match, large: true, times: times, answer: answer})
}

func (s *Server) add(f *fault) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.faults = append(s.faults, f)
}

func (s *Server) fault(r *http.Request, large bool) http.HandlerFunc {
	for _, f := range s.faults {
		if f.times > 0 && f.large == large && strings.Contains(r.URL.EscapedPath(), f.match) {
			f.times--
			return f.answer
		}
	}
	return nil
}

// Status answers with a status and headers ("Retry-After: 0").
func Status(status int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
	}
}

// Cut sends the beginning of a content, up to a byte, and ends the connection.
// A range is honoured.
func Cut(content string, at int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from := 0
		if _, bytes, ok := strings.Cut(r.Header.Get("Range"), "bytes="); ok {
			from, _ = strconv.Atoi(strings.TrimSuffix(bytes, "-"))
			w.Header().Set("Content-Range", "bytes "+itoa(from)+"-"+itoa(len(content)-1)+"/"+itoa(len(content)))
		}
		w.Header().Set("Content-Length", itoa(len(content)-from))
		if from > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		w.Write([]byte(content[from:max(from, at)]))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Whole sends a content from its first byte on, whatever range was asked for.
func Whole(content string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", itoa(len(content)))
		w.Write([]byte(content))
	}
}

// Hang sends nothing until the client goes away.
func Hang() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// Name answers a listing whose only file has a name.
func Name(commit, name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"sha": commit, "siblings": []map[string]string{{"rfilename": name}}})
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
