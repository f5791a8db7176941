#include <cstdio>
#include <cstring>

#include <unistd.h>

#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

// `--user`: labs run as an ordinary user, which takes root here to become one. Without it they run as whoever runs this.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const bool as_user = argc > 1 && std::strcmp(argv[1], "--user") == 0;
  if (as_user && geteuid() != 0) {
    std::fprintf(stderr, "not root: labs run as the caller anyway; see the other e2e test\n");
    return 77;
  }
  lapse::test::prepare(as_user ? lapse::test::RunAs::kOrdinaryUser : lapse::test::RunAs::kSelf);
  if (testing::Test::HasFatalFailure()) {
    return 1;
  }
  const int status = RUN_ALL_TESTS();
  lapse::test::clean_up();
  return status;
}
