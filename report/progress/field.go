package progress

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gopet-ml/gopet/report/format"
)

// Field is a number that a bar shows, worded.
type Field struct{ name, value string }

// Loss shows a loss with three digits after the point, fewer from 10 on.
func Loss(x float64) Field {
	digits := 3
	for limit := 10.0; math.Abs(x) >= limit && digits > 0; limit *= 10 {
		digits--
	}
	value := format.Decimal(x, digits)
	if math.IsNaN(x) {
		value = "NaN" // a loss that is not a number is news
	}
	return Field{"loss", value}
}

// Share shows a metric from 0 to 1 in percent.
func Share(name string, x float64) Field { return Field{name, format.Percent(x, 1)} }

// Speed shows how many bytes come, as in "12.3 MiB/s".
func Speed(perSecond float64) Field { return Field{"", format.Bytes(int64(perSecond)) + "/s"} }

// Rate shows a speed, as in "61.4 samples/s".
func Rate(perSecond float64, unit string) Field {
	digits := 1
	if perSecond >= 1000 {
		digits = 0
	}
	return Field{"", format.Decimal(perSecond, digits) + " " + unit + "/s"}
}

func (f Field) text() string { return strings.TrimSpace(f.name + " " + f.value) }

// remark is a value with words before and after it.
type remark struct{ before, value, after string }

func (r remark) text() string { return r.before + r.value + r.after }

// clock words a time in whole seconds at the least.
func clock(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%ds", int(math.Ceil(d.Seconds())))
	}
	return format.Duration(d)
}
