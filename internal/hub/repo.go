package hub

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Kind is what a repository holds.
type Kind string

// The kinds of repositories that gopet reads.
const (
	Model   Kind = "model"
	Dataset Kind = "dataset"
)

// words names the kind in a message.
func (k Kind) words() string {
	if k == Dataset {
		return "data set"
	}
	return "model"
}

const (
	defaultRevision = "main"
	separator       = "--" // between the parts of a repository's folder; no id has it
)

// Repo is a repository at a revision.
type Repo struct {
	Kind     Kind
	ID       string // OWNER/NAME, or NAME of the Hub's first repositories
	Revision string // a branch, a tag or a commit
}

// String is how users write the repository.
func (r Repo) String() string {
	if r.Revision == defaultRevision {
		return r.ID
	}
	return r.ID + "@" + r.Revision
}

// folder is the name of the repository's directory in the cache.
func (r Repo) folder() string {
	return string(r.Kind) + "s" + separator + strings.ReplaceAll(r.ID, "/", separator)
}

// page is the address of the repository for people, below the endpoint.
func (r Repo) page() string {
	if r.Kind == Dataset {
		return "datasets/" + r.ID
	}
	return r.ID
}

// infoPath is the address of what the repository holds, below the endpoint.
func (r Repo) infoPath() string {
	return fmt.Sprintf("api/%ss/%s/revision/%s", r.Kind, r.ID, url.PathEscape(r.Revision))
}

// filePath is the address of a file as of a commit, below the endpoint.
func (r Repo) filePath(commit, name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return fmt.Sprintf("%s/resolve/%s/%s", r.page(), commit, strings.Join(parts, "/"))
}

var (
	idPart     = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?$`)
	revision   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+/-]*$`)
	commitHash = regexp.MustCompile(`^[0-9a-f]{40}$`)
	// Endings of files, which no repository's name has.
	fileEndings = []string{".parquet", ".safetensors", ".bin", ".json", ".jsonl", ".csv", ".tsv", ".txt", ".tab", ".git"}
)

// Parse reads "[OWNER/]NAME[@REVISION]". It reports false for what is no id
// and may only be a path: what is on this disk, what has the form of a path or
// of a file's name, and what lies in a directory that is here, unless a
// revision says that the Hub is meant.
func Parse(kind Kind, text string) (Repo, bool) {
	id, rev, hasRevision := strings.Cut(text, "@")
	if !hasRevision {
		rev = defaultRevision
	}
	if _, err := os.Lstat(text); err == nil || !isID(id) || !isRevision(rev) {
		return Repo{}, false
	}
	if owner, _, ok := strings.Cut(id, "/"); ok && !hasRevision {
		if info, err := os.Stat(filepath.FromSlash(owner)); err == nil && info.IsDir() {
			return Repo{}, false
		}
	}
	return Repo{Kind: kind, ID: id, Revision: rev}, true
}

func isID(text string) bool {
	parts := strings.Split(text, "/")
	if len(parts) > 2 || strings.Contains(text, separator) || strings.Contains(text, "..") || slices.Contains(fileEndings, path.Ext(text)) {
		return false
	}
	return !slices.ContainsFunc(parts, func(part string) bool { return !idPart.MatchString(part) })
}

// isRevision reports whether text can be a revision and a path below refs.
func isRevision(text string) bool {
	return revision.MatchString(text) && path.Clean(text) == text && !strings.Contains(text, "..")
}
