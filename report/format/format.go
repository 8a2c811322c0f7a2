// Package format words numbers for people: thousands in groups, shares in
// percent, sizes in binary units, durations in the two largest units.
//
// What is not a number, such as a loss that is not known, is "-".
package format

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const unknown = "-"

// Count words a whole number: 20,000.
func Count(n int64) string { return group(strconv.FormatInt(n, 10)) }

// Decimal words a number with so many digits after the point: 1,234.5.
func Decimal(x float64, digits int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return notFinite(x)
	}
	return group(strconv.FormatFloat(x, 'f', digits, 64))
}

// Percent words a share (1 is all) with so many digits after the point: 95.4%.
func Percent(share float64, digits int) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return notFinite(share)
	}
	return Decimal(100*share, digits) + "%"
}

func notFinite(x float64) string {
	if math.IsNaN(x) {
		return unknown
	}
	return strings.ToLower(strconv.FormatFloat(x, 'f', -1, 64)) // +inf, -inf
}

// Bytes words a size in the largest binary unit it fills, with three digits
// that count: 512 B, 86.6 MiB, 1.31 GiB.
func Bytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	size, unit := float64(n), 0
	for math.Abs(size) >= 1023.5 && unit < len(units)-1 {
		size /= 1024
		unit++
	}
	switch {
	case unit == 0:
		return Count(n) + " B"
	case math.Abs(size) < 9.995:
		return fmt.Sprintf("%.2f %s", size, units[unit])
	case math.Abs(size) < 99.95:
		return fmt.Sprintf("%.1f %s", size, units[unit])
	default:
		return fmt.Sprintf("%s %s", Decimal(size, 0), units[unit])
	}
}

// Duration words a length of time in at most two units: 850ms, 4.2s, 42s,
// 4m 12s, 1h 04m, 3d 02h.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d < 999500*time.Microsecond:
		return fmt.Sprintf("%dms", d.Round(time.Millisecond).Milliseconds())
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 60*60:
		return fmt.Sprintf("%dm %02ds", s/60, s%60)
	case s < 24*60*60:
		return fmt.Sprintf("%dh %02dm", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%sd %02dh", Count(s/86400), s/3600%24)
	}
}

// group puts commas between the thousands of a plain decimal number.
func group(number string) string {
	sign := ""
	if strings.HasPrefix(number, "-") {
		sign, number = "-", number[1:]
	}
	whole, fraction, point := strings.Cut(number, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if point {
		b.WriteString("." + fraction)
	}
	return b.String()
}
