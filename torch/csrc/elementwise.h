// Arithmetic of single elements, in float32, that the compiler vectorises in loops.
#pragma once

#include <c10/util/BFloat16.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace gopet {

inline float to_float(float x) { return x; }
inline float to_float(c10::BFloat16 x) {
  uint32_t bits = uint32_t{x.x} << 16;
  float f;
  std::memcpy(&f, &bits, sizeof(f));
  return f;
}

template <typename T>
inline T from_float(float x);
template <>
inline float from_float<float>(float x) {
  return x;
}
// Rounds to nearest, ties to even; a NaN stays one.
template <>
inline c10::BFloat16 from_float<c10::BFloat16>(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  rounded = x != x ? 0x7fc0 : rounded;
  return c10::BFloat16(static_cast<uint16_t>(rounded), c10::BFloat16::from_bits());
}

// x as T holds it.
template <typename T>
inline float rounded(float x) {
  return to_float(from_float<T>(x));
}

// x within [low, high]; a NaN stays one.
inline float clamped(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

// e^x within 2 ulp, for x held to [-87.3, 88], where it is neither 0 nor infinite; a NaN stays one.
inline float exp_of(float x) {
  float t = clamped(x, -87.33654f, 88);
  float n = std::nearbyint(t * 1.44269504f);
  float r = std::fma(n, -0.693359375f, t);
  r = std::fma(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = std::fma(p, r, 1.3981999507e-3f);
  p = std::fma(p, r, 8.3334519073e-3f);
  p = std::fma(p, r, 4.1665795894e-2f);
  p = std::fma(p, r, 1.6666665459e-1f);
  p = std::fma(p, r, 5.0000001201e-1f);
  p = std::fma(p, r * r, r + 1);
  uint32_t bits = (static_cast<uint32_t>(static_cast<int32_t>(n)) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof(scale));
  return p * scale;
}

// The error function, a quotient of polynomials, within 4 ulp.
inline float erf_of(float x) {
  float t = clamped(x, -4, 4), u = t * t;
  float p = -2.72614225801306e-10f;
  p = std::fma(p, u, 2.77068142495902e-08f);
  p = std::fma(p, u, -2.10102402082508e-06f);
  p = std::fma(p, u, -5.69250639462346e-05f);
  p = std::fma(p, u, -7.34990630326855e-04f);
  p = std::fma(p, u, -2.95459980854025e-03f);
  p = std::fma(p, u, -1.60960333262415e-02f);
  float q = -1.45660718464996e-05f;
  q = std::fma(q, u, -2.13374055278905e-04f);
  q = std::fma(q, u, -1.68282697438203e-03f);
  q = std::fma(q, u, -7.37332916720468e-03f);
  q = std::fma(q, u, -1.42647390514189e-02f);
  return t * p / q;
}

}  // namespace gopet
