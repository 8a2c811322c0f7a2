package hubtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// serveHub answers what a downloader asks the Hub for.
func (s *Server) serveHub(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	if rest, ok := strings.CutPrefix(path, "api/resolve-cache/"); ok {
		s.serveSmall(w, r, rest)
		return
	}
	api := ""
	if rest, ok := strings.CutPrefix(path, "api/models/"); ok {
		api, path = "api/models/", rest
	} else if strings.HasPrefix(path, "api/datasets/") {
		api, path = "api/", strings.TrimPrefix(path, "api/")
	}
	id, rest := s.split(path)
	if to := s.moved[id]; to != "" {
		w.Header().Set("Location", "/"+api+to+"/"+rest)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	repo := s.repos[id]
	if repo == nil || repo.Private && !s.authorized(r) {
		s.refuseUnknown(w, r)
		return
	}
	what, rest, _ := strings.Cut(rest, "/")
	switch {
	case api != "" && (what == "" || what == "revision"):
		s.serveInfo(w, repo, rest)
	case api != "" && what == "tree":
		s.serveTree(w, repo, rest)
	case api == "" && what == "resolve":
		s.serveResolve(w, r, repo, rest)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) authorized(r *http.Request) bool {
	return r.Header.Get("Authorization") == "Bearer "+s.Token
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Error-Code", code)
	w.Header().Set("X-Error-Message", message)
	w.WriteHeader(status)
}

// refuseUnknown does not tell a private repository from one that is not there.
func (s *Server) refuseUnknown(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Authorization") == "":
		refuse(w, http.StatusUnauthorized, "RepoNotFound", "Invalid username or password.")
	case !s.authorized(r):
		refuse(w, http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
	default:
		refuse(w, http.StatusNotFound, "RepoNotFound", "Repository not found")
	}
}

// find returns the files of an escaped revision.
func (s *Server) find(w http.ResponseWriter, repo *Repo, escaped string) (commit string, files map[string]string, ok bool) {
	revision, err := url.PathUnescape(escaped)
	if revision == "" {
		revision = "main"
	}
	commit = revision
	if known := repo.revisions[revision]; known != "" {
		commit = known
	}
	files, ok = repo.commits[commit]
	if err != nil || !ok {
		refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revision)
		return "", nil, false
	}
	return commit, files, true
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	json.NewEncoder(w).Encode(v)
}

func (s *Server) serveInfo(w http.ResponseWriter, repo *Repo, revision string) {
	commit, files, ok := s.find(w, repo, revision)
	if !ok {
		return
	}
	siblings := []map[string]string{}
	for _, name := range sortedKeys(files) {
		siblings = append(siblings, map[string]string{"rfilename": name})
	}
	id := strings.TrimPrefix(repo.ID, "datasets/")
	gated := any(false)
	if repo.Gated {
		gated = "manual"
	}
	answer(w, map[string]any{
		"_id": "0", "id": id, "modelId": id, "author": "x", "private": repo.Private, "gated": gated, "disabled": false,
		"sha": commit, "siblings": siblings, "tags": []string{}, "downloads": 0, "likes": 0,
		"lastModified": "2024-01-01T00:00:00.000Z", "createdAt": "2024-01-01T00:00:00.000Z",
	})
}

// serveTree lists the files with their sums, which huggingface_hub asks for.
func (s *Server) serveTree(w http.ResponseWriter, repo *Repo, revision string) {
	_, files, ok := s.find(w, repo, revision)
	if !ok {
		return
	}
	entries := []map[string]any{}
	for _, name := range sortedKeys(files) {
		content := files[name]
		entry := map[string]any{"type": "file", "path": name, "size": len(content), "oid": gitSum(content)}
		if s.isLarge(content) {
			entry["lfs"] = map[string]any{"oid": s.ETag(content), "size": len(content), "pointerSize": 134}
		}
		entries = append(entries, entry)
	}
	answer(w, entries)
}

// serveResolve answers REVISION/FILE with a redirect to the content.
func (s *Server) serveResolve(w http.ResponseWriter, r *http.Request, repo *Repo, rest string) {
	revision, escaped, _ := strings.Cut(rest, "/")
	commit, files, ok := s.find(w, repo, revision)
	if !ok {
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	if repo.Gated && !s.authorized(r) {
		status := http.StatusForbidden
		if r.Header.Get("Authorization") == "" {
			status = http.StatusUnauthorized
		}
		refuse(w, status, "GatedRepo", "Access to model "+repo.ID+" is restricted.")
		return
	}
	name, err := url.PathUnescape(escaped)
	content, ok := files[name]
	if err != nil || !ok {
		refuse(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return
	}
	w.Header().Set("Content-Length", "0")
	if s.isLarge(content) {
		w.Header().Set("X-Linked-Etag", `"`+s.ETag(content)+`"`)
		w.Header().Set("X-Linked-Size", itoa(len(content)))
		w.Header().Set("ETag", `"not-the-content's"`)
		w.Header().Set("Location", s.Files+"/repos/"+s.ETag(content)+"?"+Signature)
		w.WriteHeader(http.StatusFound)
		return
	}
	w.Header().Set("Location", "/api/resolve-cache/"+repo.ID+"/"+commit+"/"+escaped)
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// serveSmall answers ID/COMMIT/FILE with the content.
func (s *Server) serveSmall(w http.ResponseWriter, r *http.Request, path string) {
	id, rest := s.split(path)
	commit, escaped, _ := strings.Cut(rest, "/")
	name, err := url.PathUnescape(escaped)
	repo := s.repos[id]
	if err != nil || repo == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	serveContent(w, r, repo.commits[commit][name])
}

// serveFiles answers on the host of large files, which refuses any other
// authorization than the signature, as S3 does.
func (s *Server) serveFiles(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" || r.URL.RawQuery != Signature {
		http.Error(w, "only one auth mechanism allowed", http.StatusBadRequest)
		return
	}
	content, ok := s.large(strings.TrimPrefix(r.URL.Path, "/repos/"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	serveContent(w, r, content)
}

func (s *Server) large(sum string) (string, bool) {
	for _, repo := range s.repos {
		for _, files := range repo.commits {
			for _, content := range files {
				if s.isLarge(content) && s.ETag(content) == sum {
					return content, true
				}
			}
		}
	}
	return "", false
}

func serveContent(w http.ResponseWriter, r *http.Request, content string) {
	w.Header().Set("ETag", `"`+gitSum(content)+`"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader([]byte(content)))
}
