package tokenizer

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
)

// parseNumber reads a number of JSON as Rust's serde_json does, and with it
// tokenizers: up to 20 digits as an integer, times or divided by a power of
// ten. That is not always the float64 nearest to the decimal number, and one
// bit in a score can decide between two ways to cut a word.
func parseNumber(text string) (float64, error) {
	digits, negative := strings.CutPrefix(text, "-")
	mantissa, power, _ := strings.Cut(strings.ToLower(digits), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	value, dropped := addDigits(0, whole)
	exponent := dropped
	value, dropped = addDigits(value, fraction)
	exponent -= len(fraction) - dropped
	if power != "" {
		given, _ := strconv.Atoi(power) // the largest int where it is larger
		exponent += min(max(given, -math.MaxInt32), math.MaxInt32)
	}
	result, err := scale(float64(value), exponent)
	if err != nil {
		return 0, fmt.Errorf("number %s is too large", text)
	}
	if negative {
		result = -result
	}
	return result, nil
}

// addDigits appends digits to a number as far as they fit, and returns how many
// did not.
func addDigits(value uint64, digits string) (sum uint64, dropped int) {
	const most = math.MaxUint64
	for i := range len(digits) {
		digit := uint64(digits[i] - '0')
		if value > most/10 || value == most/10 && digit > most%10 {
			return value, len(digits) - i
		}
		value = value*10 + digit
	}
	return value, 0
}

const maxPower = 308

// powersOfTen are the float64 nearest to 1e0 ... 1e308.
var powersOfTen = sync.OnceValue(func() []float64 {
	powers := make([]float64, maxPower+1)
	for i := range powers {
		powers[i], _ = strconv.ParseFloat("1e"+strconv.Itoa(i), 64)
	}
	return powers
})

func scale(value float64, exponent int) (float64, error) {
	powers := powersOfTen()
	for exponent < -maxPower && value != 0 {
		value /= powers[maxPower]
		exponent += maxPower
	}
	switch {
	case value == 0:
		return 0, nil
	case exponent < 0:
		return value / powers[-exponent], nil
	case exponent > maxPower || math.IsInf(value*powers[exponent], 0):
		return 0, strconv.ErrRange
	}
	return value * powers[exponent], nil
}
