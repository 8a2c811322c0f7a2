// The emulator itself: that it finds what it is there to find.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "../reduce.h"
#include "check.h"

namespace test {
namespace {

constexpr int kThreads = 64;

// Each thread passes its number to the next one, with or without a barrier.
template <bool barrier>
void pass_on(float *out) {
  float *shared = reinterpret_cast<float *>(gopet::shared_memory());
  shared[threadIdx.x] = static_cast<float>(threadIdx.x);
  if (barrier) __syncthreads();
  out[threadIdx.x] = shared[(threadIdx.x + 1) % kThreads];
}

std::vector<float> passed(void (*kernel)(float *), unsigned order) {
  emulator::set_order(order);
  auto out = unwritten<float>(kThreads);
  check(
      gopet::launch(kernel, dim3(1), kThreads, kThreads * sizeof(float), nullptr, out.data()) == 0,
      "launch");
  emulator::set_order(0);
  return out;
}

void finds_a_missing_barrier() {
  std::vector<double> want(kThreads);
  for (int i = 0; i < kThreads; i++) want[i] = (i + 1) % kThreads;
  for (unsigned order : {0u, 1u, 7u}) close(passed(pass_on<true>, order), want, 0, 0, "a barrier");
  check(!same_bits(passed(pass_on<false>, 0), passed(pass_on<false>, 1)),
        "without a barrier, the order of threads decides");
  check(std::isnan(passed(pass_on<false>, 0)[0]), "what nothing wrote is no number");
}

void half_a_barrier(float *) {
  if (threadIdx.x < kThreads / 2) __syncthreads();
}

void ends_where_threads_miss_a_barrier() {
  pid_t child = fork();
  if (child == 0) {
    std::freopen("/dev/null", "w", stderr);
    passed(half_a_barrier, 0);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
        "a barrier that half of a block reaches");
}

void sums(float *out) {
  float *scratch = reinterpret_cast<float *>(gopet::shared_memory());
  float x = static_cast<float>(threadIdx.x);
  out[threadIdx.x] = gopet::warp_sum<4>(x) + 1000 * gopet::block_sum(x, scratch);
}

void exchanges_within_a_warp() {
  std::vector<double> want(kThreads);
  for (int i = 0; i < kThreads; i++)
    want[i] = i / 4 * 16 + 6 + 1000 * (kThreads * (kThreads - 1) / 2);
  for (unsigned order : {0u, 1u, 7u}) close(passed(sums, order), want, 0, 0, "sums");
}

void refuses_what_no_gpu_runs() {
  float out[1];
  auto refused = [&](dim3 grid, int threads, size_t shared) {
    return gopet::launch(half_a_barrier, grid, threads, shared, nullptr, out) != 0;
  };
  check(refused(dim3(1, 65536), 32, 0), "65,536 blocks along y");
  check(refused(dim3(1), 2048, 0), "2,048 threads a block");
  check(refused(dim3(1), 32, 300 * 1024), "300 KiB of shared memory");
}

template <typename T>
void rounds(float x, float want) {
  check(to_float(rounded<T>(x)) == want, text("%s rounds %.9g to %.9g", kName<T>, x, want));
}

// To nearest, ties to the even one.
void rounds_as_a_gpu_does() {
  rounds<__nv_bfloat16>(1 + 1 / 256.f, 1);
  rounds<__nv_bfloat16>(1 + 3 / 256.f, 1 + 4 / 256.f);
  rounds<__nv_bfloat16>(-1 - 5 / 1024.f, -1 - 8 / 1024.f);
  rounds<__nv_bfloat16>(3.4e38f, INFINITY);
  rounds<__half>(1 + 1 / 2048.f, 1);
  rounds<__half>(1 + 3 / 2048.f, 1 + 4 / 2048.f);
  rounds<__half>(65520, INFINITY);
  check(std::isnan(to_float(rounded<__nv_bfloat16>(NAN))), "bfloat16 keeps NaN");
}

}  // namespace

void device() {
  finds_a_missing_barrier();
  ends_where_threads_miss_a_barrier();
  exchanges_within_a_warp();
  refuses_what_no_gpu_runs();
  rounds_as_a_gpu_does();
}

}  // namespace test
