package format

import (
	"math"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ want, got string }{
		{"0", Count(0)},
		{"999", Count(999)},
		{"1,000", Count(1000)},
		{"-123,456", Count(-123456)},
		{"-9,223,372,036,854,775,808", Count(math.MinInt64)},
		{"1,234.5", Decimal(1234.5, 1)},
		{"1,000", Decimal(999.9, 0)},
		{"-0.13", Decimal(-0.127, 2)},
		{"-", Decimal(math.NaN(), 2)},
		{"+inf", Decimal(math.Inf(1), 2)},
		{"95.4%", Percent(0.9543, 1)},
		{"100%", Percent(1, 0)},
		{"-", Percent(math.NaN(), 1)},
		{"-inf", Percent(math.Inf(-1), 1)},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0:             "0 B",
		1023:          "1,023 B",
		1024:          "1.00 KiB",
		10_234:        "9.99 KiB",
		10_240:        "10.0 KiB",
		102_400:       "100 KiB",
		90_856_960:    "86.6 MiB",
		1<<20 - 1:     "1.00 MiB",
		1_406_600_000: "1.31 GiB",
		math.MaxInt64: "8.00 EiB",
		-90_856_960:   "-86.6 MiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                       "0ms",
		850 * time.Millisecond:                  "850ms",
		999700 * time.Microsecond:               "1.0s",
		4210 * time.Millisecond:                 "4.2s",
		9960 * time.Millisecond:                 "10s",
		59400 * time.Millisecond:                "59s",
		59600 * time.Millisecond:                "1m 00s",
		4*time.Minute + 12*time.Second:          "4m 12s",
		59*time.Minute + 59600*time.Millisecond: "1h 00m",
		64 * time.Minute:                        "1h 04m",
		74 * time.Hour:                          "3d 02h",
		-2 * time.Minute:                        "-2m 00s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
