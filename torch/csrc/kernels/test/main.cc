// Runs the kernels' tests on the CPU: all of them, or those that are named.
#include <chrono>
#include <map>

#include "check.h"

int test::failures = 0;

int main(int argc, char **argv) {
  const std::map<std::string, void (*)()> tests = {
      {"activation", test::activation},
      {"adamw", test::adamw},
      {"attention", test::attention},
      {"cross_entropy", test::cross_entropy},
      {"device", test::device},
      {"masked", test::masked},
      {"norm", test::norm},
  };
  std::vector<std::string> wanted(argv + 1, argv + argc);
  if (wanted.empty()) {
    for (const auto &t : tests) wanted.push_back(t.first);
  }
  for (const std::string &name : wanted) {
    auto found = tests.find(name);
    if (found == tests.end()) {
      test::fail("there is no test " + name);
      continue;
    }
    auto start = std::chrono::steady_clock::now();
    int before = test::failures;
    found->second();
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%s %-14s %.1f s\n", test::failures == before ? "ok  " : "FAIL", name.c_str(),
                seconds.count());
    std::fflush(stdout);
  }
  return test::failures == 0 ? 0 : 1;
}
