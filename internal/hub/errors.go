package hub

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/gopet-ml/gopet/internal/nearest"
)

// What an error means, for errors.Is.
var (
	ErrNoRepo     = errors.New("no such repository, or a private one")
	ErrNoRevision = errors.New("no such revision")
	ErrNoFile     = errors.New("no such file")
	ErrRefused    = errors.New("refused")
	ErrOffline    = errors.New("offline") // by choice, or for want of a connection
)

// meaning is an error with one of the meanings above, which its text need not
// repeat.
type meaning struct {
	error
	is error
}

func (m meaning) Unwrap() []error { return []error{m.error, m.is} }

// means is fmt.Errorf with a meaning.
func means(is error, format string, values ...any) error {
	return meaning{fmt.Errorf(format, values...), is}
}

// The codes of the header X-Error-Code, and a message without one.
const (
	codeNoRepo     = "RepoNotFound"
	codeNoRevision = "RevisionNotFound"
	codeNoFile     = "EntryNotFound"
	codeGated      = "GatedRepo"
	badCredentials = "Invalid credentials in Authorization header"
)

// refusal words a response that is no success. File is the one that was asked
// for, "" for the repository.
func (c *Client) refusal(response *http.Response, repo Repo, file string) error {
	host, status := response.Request.URL.Host, response.StatusCode
	code, message := response.Header.Get("X-Error-Code"), oneLine(response.Header.Get("X-Error-Message"))
	away := !sameOrigin(response.Request.URL, c.settings.Endpoint)
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500:
		wait, asked := askedWait(response.Header, time.Now())
		return &transientError{err: fmt.Errorf("%s answers %s", host, statusText(response)), asked: asked, wait: wait}
	case away:
		return fmt.Errorf("%s, to which the Hub redirects for %s, answers %s", host, file, statusText(response))
	case code == codeNoRevision:
		return means(ErrNoRevision, "%s %q has no revision %q: want a branch, a tag or a commit", repo.Kind.words(), repo.ID, repo.Revision)
	case code == codeNoFile || code == "" && file != "" && status == http.StatusNotFound:
		return means(ErrNoFile, "%s %q has no file %q", repo.Kind.words(), repo, file)
	case code == codeGated:
		return means(ErrRefused, "%s %q is gated: %s", repo.Kind.words(), repo.ID, c.gateAdvice(repo))
	case status == http.StatusUnauthorized && message == badCredentials:
		return means(ErrRefused, "%s does not accept the token of %s: it is wrong or has run out", host, c.settings.TokenFrom)
	case code == codeNoRepo || status == http.StatusUnauthorized || status == http.StatusNotFound:
		return means(ErrNoRepo, "%s has no %s %q, or it is private%s", host, repo.Kind.words(), repo.ID, c.noRepoAdvice(repo))
	case status == http.StatusForbidden:
		return means(ErrRefused, "%s forbids %s %q%s: %s", host, repo.Kind.words(), repo.ID, inBrackets(message), c.tokenAdvice("one that may read it"))
	default:
		return fmt.Errorf("%s answers %s%s to a request for %s %q", host, statusText(response), inBrackets(message), repo.Kind.words(), repo.ID)
	}
}

func (c *Client) gateAdvice(repo Repo) string {
	page := c.settings.Endpoint.JoinPath(repo.page())
	page.User = nil
	if c.settings.Token != "" {
		return fmt.Sprintf("the account of the token of %s has no access: ask for it on %s", c.settings.TokenFrom, page)
	}
	return fmt.Sprintf("ask for access on %s and set HF_TOKEN to a token of that account", page)
}

// noRepoAdvice tells the nearest cause: a name like one in the cache, an owner
// left out, or a token left out.
func (c *Client) noRepoAdvice(repo Repo) string {
	advice := ""
	if like, ok := c.nearestCached(repo); ok {
		advice = fmt.Sprintf(": did you mean %q?", like)
	} else if !strings.Contains(repo.ID, "/") {
		advice = ": most ids have an owner, as in google/t5-v1_1-small"
	}
	if c.settings.Token == "" {
		return advice + " (a private one needs HF_TOKEN)"
	}
	return advice + fmt.Sprintf(" (the token of %s was sent)", c.settings.TokenFrom)
}

// Offline is the error of what the cache lacks, worded "its weights", where the
// network may not be used.
func (c *Client) Offline(repo Repo, lacks string) error {
	return means(ErrOffline, "%s %q: the cache in %s lacks %s, and %s is set", repo.Kind.words(), repo, c.settings.Cache, lacks, c.settings.Offline)
}

// NotCached is Offline for a repository of which the cache has nothing.
func (c *Client) NotCached(repo Repo) error {
	advice := ""
	if like, ok := c.nearestCached(repo); ok {
		advice = fmt.Sprintf("; did you mean %q?", like)
	}
	return means(ErrOffline, "%s %q is not in the cache in %s, and %s is set%s", repo.Kind.words(), repo, c.settings.Cache, c.settings.Offline, advice)
}

// nearestCached is the cached repository whose id or name is nearest.
func (c *Client) nearestCached(repo Repo) (string, bool) {
	byName, ids := map[string]string{}, slices.DeleteFunc(c.cachedIDs(repo.Kind), func(id string) bool { return id == repo.ID })
	var names []string
	for _, id := range ids {
		name := id[strings.LastIndex(id, "/")+1:]
		byName[name] = id
		names = append(names, name)
	}
	if like, ok := nearest.Name(repo.ID, ids); ok {
		return like, true
	}
	like, ok := nearest.Name(repo.ID, names)
	return byName[like], ok
}

func (c *Client) tokenAdvice(want string) string {
	if c.settings.Token == "" {
		return "set HF_TOKEN to " + want
	}
	return fmt.Sprintf("set HF_TOKEN to %s; the one of %s does not do", want, c.settings.TokenFrom)
}

func statusText(response *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", response.StatusCode, http.StatusText(response.StatusCode)))
}

func inBrackets(message string) string {
	if message == "" {
		return ""
	}
	return " (" + message + ")"
}

// oneLine makes a server's words fit for a line on a terminal.
func oneLine(text string) string {
	const most = 200
	clean := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text))
	return strings.TrimSpace(string(clean[:min(len(clean), most)]))
}
