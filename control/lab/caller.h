// caller.h - who typed the command, and becoming that person again inside a lab.
//
// Owner:    found once, before any namespace is entered.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a few system calls.
// Lifetime: none.
// Spec:     design, section 8: CMD runs as the invoking user; user_namespaces(7).
#pragma once

#include <string>

#include <sys/types.h>

#include "absl/status/status.h"

namespace lapse::lab {

struct Caller {
  enum class Kind {
    kRoot,      // CMD runs as root
    kSudo,      // root now; CMD runs as the one who typed sudo
    kOrdinary,  // root only inside a user namespace; CMD runs in one more, where the number is the caller's own
  };
  Kind kind = Kind::kRoot;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string user;  // the name, or the number where there is none
};

// Reads SUDO_UID and SUDO_GID when root asks.
Caller find_caller();

// The calling process, root in a lab, becomes the caller: for good, and with no more rights than that.
absl::Status become_caller(const Caller& caller);

}  // namespace lapse::lab
