package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gopet-ml/gopet/internal/version"
)

const (
	maxRedirects  = 10
	dialTimeout   = 15 * time.Second
	headerTimeout = 30 * time.Second
	infoTimeout   = 2 * time.Minute
	stallTimeout  = 30 * time.Second // without a byte of a file
)

// Client asks the Hub and fills the cache. It is for one goroutine at a time;
// any number of clients, of one process or of many, may share a cache.
type Client struct {
	// Progress is told how many bytes of how many are there, of what is being
	// downloaded. The total may grow.
	Progress func(done, total int64)
	// Pause waits, between attempts; tests need not.
	Pause func(ctx context.Context, d time.Duration) error

	settings Settings
	http     *http.Client
	stall    time.Duration
}

// Open makes a client of the Hub that the environment names, and of its cache.
// It does nothing yet. Progress may be nil.
func Open(progress func(done, total int64)) (*Client, error) {
	settings, err := FromEnvironment()
	if err != nil {
		return nil, err
	}
	c := NewClient(settings)
	if progress != nil {
		c.Progress = progress
	}
	return c, nil
}

// NewClient makes a client with settings of one's own.
func NewClient(s Settings) *Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &Client{
		Progress: func(int64, int64) {},
		Pause:    pause,
		settings: s,
		stall:    stallTimeout,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
				TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headerTimeout, IdleConnTimeout: time.Minute,
			},
			// Redirects are followed in send, which knows where the token may go.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// IsOffline reports whether the network may not be used.
func (c *Client) IsOffline() bool { return c.settings.Offline != "" }

// Close gives up connections that nothing uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// request is one question to the endpoint.
type request struct {
	method string
	path   string // escaped, below the endpoint
	from   int64  // first byte wanted
	stay   bool   // stop where a redirect leads to another host, and return it
}

// send asks once and follows redirects. The token goes to the endpoint only:
// once a redirect has left it, the token is not sent again. The caller closes
// the body of the response, whatever its status.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	target := c.settings.Endpoint.JoinPath(r.path)
	if target.RawQuery != "" || target.Fragment != "" {
		return nil, fmt.Errorf("%s: not a path of the Hub", r.path)
	}
	home := true
	for range maxRedirects {
		response, err := c.sendTo(ctx, r, target, home)
		if err != nil {
			return nil, c.unreachable(ctx, target, err)
		}
		location := response.Header.Get("Location")
		if response.StatusCode/100 != 3 || location == "" {
			return response, nil
		}
		next, err := target.Parse(location)
		if err != nil || next.Scheme != "https" && next.Scheme != target.Scheme {
			response.Body.Close()
			return nil, fmt.Errorf("%s redirects to an address that is not safe or not an address", target.Host)
		}
		if home = home && sameOrigin(next, c.settings.Endpoint); !home && r.stay {
			return response, nil
		}
		drain(response)
		target = next
	}
	return nil, fmt.Errorf("%s redirects more than %d times", c.settings.Endpoint.Host, maxRedirects)
}

func (c *Client) sendTo(ctx context.Context, r request, target *url.URL, home bool) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, r.method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	q.Header.Set("User-Agent", "gopet/"+version.Version)
	// Compressed, a file has neither the size nor the ranges that were asked for.
	q.Header.Set("Accept-Encoding", "identity")
	if r.from > 0 {
		q.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.from))
	}
	if home && c.settings.Token != "" {
		q.Header.Set("Authorization", "Bearer "+c.settings.Token)
	}
	return c.http.Do(q)
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// drain reads the rest of a short body, so that its connection can be used again.
func drain(response *http.Response) {
	io.CopyN(io.Discard, response.Body, 64<<10)
	response.Body.Close()
}

// unreachable words what a transport reports without the address, which may
// hold a signature.
func (c *Client) unreachable(ctx context.Context, target *url.URL, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	// Who is not connected at all should not wait for more attempts.
	dial, ok := errors.AsType[*net.OpError](err)
	if ok && (dial.Op == "dial" || dial.Op == "proxyconnect") {
		return means(ErrOffline, "cannot reach %s: %w; HF_HUB_OFFLINE=1 uses the cache alone", target.Host, dial.Err)
	}
	err = fmt.Errorf("%s: %w", target.Host, err)
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &transientError{err: err}
	}
	return err
}

// cut is the error of a body that ended too soon.
func cut(ctx context.Context, response *http.Response, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &transientError{err: fmt.Errorf("%s cut the connection: %w", response.Request.URL.Host, err)}
}
