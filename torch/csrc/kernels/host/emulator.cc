// Threads of a block are fibers: stacks of their own that take turns on one
// CPU. A fiber runs until it reaches a barrier, an exchange or its end.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "cuda.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

// Saves the registers that a function must keep and the stack pointer, and
// goes on where another stack left off.
extern "C" void emulator_switch(void **save, void *load);
asm(R"(
.text
.globl emulator_switch
.type emulator_switch, @function
emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size emulator_switch, .-emulator_switch
.section .note.GNU-stack,"",@progbits
.text
)");

namespace emulator {

Thread current;

namespace {

constexpr unsigned kWarp = 32, kMaxThreads = 1024;
constexpr size_t kMaxShared = 227 * 1024;  // of compute capability 9.0
constexpr size_t kStack = 256 * 1024;

enum class State { kReady, kAtBarrier, kInExchange, kDone };

struct Copy {
  void *to;
  const void *from;
  size_t bytes, valid;
  void make() const {
    if (valid > 0) std::memcpy(to, from, valid);
    std::memset(static_cast<char *>(to) + valid, 0, bytes - valid);
  }
};

struct Fiber {
  std::unique_ptr<char[]> stack{new char[kStack]};
  void *pointer = nullptr;     // where its stack stands while it does not run
  void *fake_stack = nullptr;  // the address sanitizer's
  State state = State::kDone;
  unsigned exchanges = 0;  // made so far
  std::vector<Copy> open;  // copies that are in no group yet
  std::deque<std::vector<Copy>> groups;
};

struct Warp {
  // Two, for a lane may write its next value while others still read.
  alignas(16) unsigned char values[2][kWarp * kExchange];
};

std::vector<Fiber> fibers(kMaxThreads);
std::vector<Warp> warps(kMaxThreads / kWarp);
const std::function<void()> *body;
unsigned running, order_seed;
void *scheduler;
unsigned char *shared;

[[noreturn]] void fail(const char *what) {
  std::fprintf(stderr, "emulator: %s (block %u,%u,%u)\n", what, current.block.x, current.block.y,
               current.block.z);
  std::abort();
}

#if defined(__SANITIZE_ADDRESS__)
void *scheduler_fake_stack;
const void *scheduler_bottom;
size_t scheduler_size;
void leave(void **fake, const void *bottom, size_t size) {
  __sanitizer_start_switch_fiber(fake, bottom, size);
}
void arrive(void *fake, const void **bottom, size_t *size) {
  __sanitizer_finish_switch_fiber(fake, bottom, size);
}
#else
void *scheduler_fake_stack;
const void *scheduler_bottom;
size_t scheduler_size;
void leave(void **, const void *, size_t) {}
void arrive(void *, const void **, size_t *) {}
#endif

void yield(State state) {
  Fiber &fiber = fibers[running];
  fiber.state = state;
  leave(&fiber.fake_stack, scheduler_bottom, scheduler_size);
  emulator_switch(&fiber.pointer, scheduler);
  arrive(fiber.fake_stack, &scheduler_bottom, &scheduler_size);
}

// What a fiber runs for ever: one thread of one block after another.
void loop() {
  arrive(nullptr, &scheduler_bottom, &scheduler_size);
  for (;;) {
    (*body)();
    if (!fibers[running].open.empty() || !fibers[running].groups.empty()) {
      fail("a thread that does not wait for its copies");
    }
    yield(State::kDone);
  }
}

void resume(unsigned thread) {
  Fiber &fiber = fibers[thread];
  running = thread;
  current.thread = dim3(thread, 0, 0);
  if (fiber.pointer == nullptr) {
    // As if emulator_switch had been called from the start of loop: six
    // registers, and the address that it returns to. A function's stack is
    // off by eight from a multiple of 16 when it starts.
    void **top = reinterpret_cast<void **>(
        (reinterpret_cast<uintptr_t>(fiber.stack.get()) + kStack) / 16 * 16);
    top -= 8;
    std::fill(top, top + 8, nullptr);
    top[6] = reinterpret_cast<void *>(&loop);
    fiber.pointer = top;
  }
  leave(&scheduler_fake_stack, fiber.stack.get(), kStack);
  emulator_switch(&scheduler, fiber.pointer);
  arrive(scheduler_fake_stack, nullptr, nullptr);
}

std::vector<unsigned> ordered(unsigned n, unsigned salt) {
  std::vector<unsigned> order(n);
  std::iota(order.begin(), order.end(), 0u);
  if (order_seed == 1) std::reverse(order.begin(), order.end());
  if (order_seed > 1) std::shuffle(order.begin(), order.end(), std::mt19937(order_seed + salt));
  return order;
}

// All in [first, last) that are in this state become ready, if all are.
bool release(unsigned first, unsigned last, State state) {
  for (unsigned t = first; t < last; t++)
    if (fibers[t].state != state) return false;
  for (unsigned t = first; t < last; t++) fibers[t].state = State::kReady;
  return true;
}

// Runs a warp until all its lanes are done or at a barrier of the block. False
// if none could run.
bool run_warp(unsigned first, const std::vector<unsigned> &lanes) {
  bool ran = false;
  do {
    for (unsigned lane : lanes) {
      if (fibers[first + lane].state != State::kReady) continue;
      resume(first + lane);
      ran = true;
    }
  } while (release(first, first + kWarp, State::kInExchange));
  return ran;
}

// One warp gets as far ahead of the others as barriers let it.
void run_block(unsigned threads, unsigned salt) {
  std::vector<unsigned> order = ordered(threads / kWarp, salt), lanes = ordered(kWarp, salt);
  for (unsigned t = 0; t < threads; t++) fibers[t].state = State::kReady;
  bool ran = true;
  while (ran) {
    ran = false;
    for (unsigned w : order) ran = run_warp(w * kWarp, lanes) || ran;
    ran = release(0, threads, State::kAtBarrier) || ran;
  }
  for (unsigned t = 0; t < threads; t++) {
    if (fibers[t].state != State::kDone)
      fail("a barrier or exchange that not every thread reaches");
  }
}

}  // namespace

void set_order(unsigned seed) { order_seed = seed; }

bool run(dim3 grid, unsigned threads, size_t bytes, const std::function<void()> &kernel) {
  if (grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535 || threads > kMaxThreads ||
      threads % kWarp != 0 || bytes > kMaxShared) {
    return false;
  }
  body = &kernel;
  current.grid = grid;
  current.threads = dim3(threads);
  unsigned n = grid.x * grid.y * grid.z;
  for (unsigned b : ordered(n, 0)) {
    current.block = dim3(b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y);
    std::unique_ptr<unsigned char[]> memory(new unsigned char[bytes + 1]);
    std::memset(memory.get(), 0xff, bytes);
    shared = memory.get();
    run_block(threads, b);
  }
  return true;
}

void *shared_memory() { return shared; }

void block_barrier() { yield(State::kAtBarrier); }

const unsigned char *exchange(const void *value, size_t bytes) {
  Fiber &fiber = fibers[running];
  unsigned char *values = warps[running / kWarp].values[fiber.exchanges++ % 2];
  if (bytes > 0) std::memcpy(values + running % kWarp * kExchange, value, bytes);
  yield(State::kInExchange);
  return values;
}

void copy_later(void *to, const void *from, size_t bytes, size_t valid) {
  Copy copy{to, from, bytes, valid};
  if (order_seed == 1) return copy.make();
  fibers[running].open.push_back(copy);
}

void commit_copies() {
  Fiber &fiber = fibers[running];
  fiber.groups.push_back(std::move(fiber.open));
  fiber.open.clear();
}

void wait_for_copies(size_t pending) {
  auto &groups = fibers[running].groups;
  for (; groups.size() > pending; groups.pop_front())
    for (const Copy &c : groups.front()) c.make();
}

}  // namespace emulator
