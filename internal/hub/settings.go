package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const defaultEndpoint = "https://huggingface.co"

// Settings say where the Hub and its cache are.
type Settings struct {
	Endpoint  *url.URL
	Cache     string // the directory that holds models--OWNER--NAME
	Offline   string // the variable that forbids the network; "" for none
	Token     string // sent to the endpoint; "" for none
	TokenFrom string // where the token is from, for messages: a variable or a file
}

// FromEnvironment reads the variables that Hugging Face's libraries read:
// HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, HF_TOKEN, HF_TOKEN_PATH,
// HF_HUB_DISABLE_IMPLICIT_TOKEN, and the older names of some of them.
func FromEnvironment() (Settings, error) {
	var s Settings
	var err error
	if s.Endpoint, err = endpoint(firstOf("HF_ENDPOINT")); err != nil {
		return s, err
	}
	home, err := homeDir()
	if err != nil {
		return s, err
	}
	if s.Cache = expand(firstOf("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")); s.Cache == "" {
		s.Cache = filepath.Join(home, "hub")
	}
	if s.Cache, err = filepath.Abs(s.Cache); err != nil {
		return s, err
	}
	s.Offline = offline("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
	if !isTrue(os.Getenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		err = s.findToken(home)
	}
	return s, err
}

// endpoint checks the address of the Hub.
func endpoint(address string) (*url.URL, error) {
	if address == "" {
		address = defaultEndpoint
	}
	u, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
		// The address may hold a password, and so may the parser's error.
		return nil, fmt.Errorf("HF_ENDPOINT: not an address like %s", defaultEndpoint)
	}
	return u, nil
}

// homeDir is where Hugging Face's libraries keep the cache and the token.
func homeDir() (string, error) {
	if home := expand(os.Getenv("HF_HOME")); home != "" {
		return home, nil
	}
	if cache := os.Getenv("XDG_CACHE_HOME"); cache != "" {
		return filepath.Join(expand(cache), "huggingface"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no place for the cache of the Hub: %w; set HF_HOME", err)
	}
	return filepath.Join(home, ".cache", "huggingface"), nil
}

// findToken takes the token from the environment, or from the file that
// `hf auth login` writes.
func (s *Settings) findToken(home string) error {
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if token := strings.TrimSpace(os.Getenv(name)); token != "" {
			s.Token, s.TokenFrom = token, name
			return s.checkToken()
		}
	}
	path := expand(os.Getenv("HF_TOKEN_PATH"))
	if path == "" {
		path = filepath.Join(home, "token")
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the token of the Hub: %w", err)
	}
	s.Token, s.TokenFrom = strings.TrimSpace(string(content)), path
	return s.checkToken()
}

// checkToken wants what may stand in a header, and says nothing of the rest.
func (s *Settings) checkToken() error {
	if strings.ContainsFunc(s.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%s: not a token of the Hub: it has spaces or other characters that no token has", s.TokenFrom)
	}
	return nil
}

func firstOf(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// offline is the first of the variables that is set, if it is set to true.
func offline(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			if isTrue(value) {
				return name
			}
			return ""
		}
	}
	return ""
}

func isTrue(value string) bool {
	return slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(value))
}

// expand replaces a leading ~ and the variables of a path, as Python's
// expanduser and expandvars do.
func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/') {
		if home, err := os.UserHomeDir(); err == nil {
			path = home + rest
		}
	}
	return os.Expand(path, func(name string) string {
		if value, ok := os.LookupEnv(name); ok {
			return value
		}
		return "$" + name
	})
}
