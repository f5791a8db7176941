#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

// `--user`: labs run as an ordinary user, which takes root here to become one. Without it they run as whoever runs this.
// `--workers N`: the data plane of every lab has as many, and every tap as many queues.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  bool as_user = false;
  int workers = 1;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--user") == 0) {
      as_user = true;
    } else if (std::strcmp(argv[i], "--workers") == 0 && i + 1 < argc) {
      workers = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "%s: not --user or --workers N\n", argv[i]);
      return 2;
    }
  }
  if (as_user && geteuid() != 0) {
    std::fprintf(stderr, "not root: labs run as the caller anyway; see the other e2e test\n");
    return 77;
  }
  lapse::test::prepare(as_user ? lapse::test::RunAs::kOrdinaryUser : lapse::test::RunAs::kSelf, workers);
  if (testing::Test::HasFatalFailure()) {
    return 1;
  }
  const int status = RUN_ALL_TESTS();
  lapse::test::clean_up();
  return status;
}
