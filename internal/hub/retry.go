package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

const (
	attempts = 5               // in a row that brought nothing
	longWait = 2 * time.Minute // more than that is the user's to wait
)

// transientError may be gone at another attempt.
type transientError struct {
	err   error
	asked bool          // whether the server asks for a wait
	wait  time.Duration // that it asks for
}

func (e *transientError) Error() string { return e.err.Error() }
func (e *transientError) Unwrap() error { return e.err }

// persist makes attempts until one succeeds or fails for good. An attempt
// reports whether it got further than any before it, which starts the count of
// attempts again.
func (c *Client) persist(ctx context.Context, attempt func() (further bool, err error)) error {
	for failures := 1; ; failures++ {
		further, err := attempt()
		transient, ok := errors.AsType[*transientError](err)
		if !ok {
			return err
		}
		if further {
			failures = 0
		}
		wait := backoff(failures)
		if transient.asked {
			wait = transient.wait
		}
		switch {
		case failures == attempts:
			return fmt.Errorf("%w (%d attempts)", transient.err, attempts)
		case wait > longWait:
			return fmt.Errorf("%w; it asks to wait %s", transient.err, wait.Round(time.Second))
		}
		if err := c.Pause(ctx, wait); err != nil {
			return err
		}
	}
}

// backoff is the time to wait after so many failures in a row: at once after
// an attempt that got further, then 1, 2, 4 ... seconds.
func backoff(failures int) time.Duration {
	if failures == 0 {
		return 0
	}
	return time.Second << (failures - 1)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// resetIn is the time to the end of a limit, in the header RateLimit:
// "api";r=0;t=55.
var resetIn = regexp.MustCompile(`;\s*t=(\d+)`)

// askedWait is the time that a response asks to wait.
func askedWait(h http.Header, now time.Time) (wait time.Duration, asked bool) {
	after := h.Get("Retry-After")
	if after == "" {
		if match := resetIn.FindStringSubmatch(h.Get("RateLimit")); match != nil {
			after = match[1]
		}
	}
	if seconds, err := strconv.Atoi(after); err == nil && seconds >= 0 {
		// A number of any size stays a long time when it is multiplied.
		return time.Duration(min(seconds, 1_000_000)) * time.Second, true
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}
