// Runs the kernels' tests on the CPU: all of them, or those that are named.
#include <chrono>

#include "check.h"

int test::failures = 0;

int main(int argc, char **argv) {
  const struct {
    const char *name;
    void (*run)();
  } tests[] = {
      {"activation", test::activation}, {"adamw", test::adamw},
      {"attention", test::attention},   {"cross_entropy", test::cross_entropy},
      {"masked", test::masked},         {"norm", test::norm},
  };
  for (const auto &t : tests) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; i++) wanted = wanted || std::strcmp(argv[i], t.name) == 0;
    if (!wanted) continue;
    auto start = std::chrono::steady_clock::now();
    int before = test::failures;
    t.run();
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%s %-14s %.1f s\n", test::failures == before ? "ok  " : "FAIL", t.name,
                seconds.count());
  }
  return test::failures == 0 ? 0 : 1;
}
