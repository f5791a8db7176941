// namespaces.h - network namespaces: made, entered, named, and told apart from later ones with the same number.
//
// Owner:    the supervisor; single-threaded, because a namespace belongs to a thread.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a few system calls.
// Lifetime: a namespace lives while a process, a descriptor or a mount holds it.
// Spec:     namespaces(7), setns(2).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "control/lab/unique_fd.h"

namespace lapse::lab {

// Inode numbers are used again as soon as a namespace is gone; the cookie (Linux 5.14) never is before a reboot.
struct NamespaceId {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t cookie = 0;  // 0: this kernel has none

  bool same_inode(const NamespaceId& other) const { return device == other.device && inode == other.inode; }
};

// The calling thread's network namespace.
absl::StatusOr<UniqueFd> open_own_network_namespace();

// A fresh one; the calling thread is in its former one again afterwards.
absl::StatusOr<UniqueFd> make_network_namespace();

// The calling thread enters it for good.
absl::Status enter_network_namespace(int fd);

// Runs 'body' inside and comes back.
absl::Status inside_network_namespace(int fd, const std::function<absl::Status()>& body);

// Device and inode of a namespace file such as /proc/1/ns/net; nothing when it cannot be looked at.
std::optional<NamespaceId> namespace_at(const std::string& path);

// With the cookie; the calling thread visits the namespace for it.
absl::StatusOr<NamespaceId> identify_network_namespace(int fd);

// The cookie of the network namespace of process 'pid', asked by a child that enters it; nothing when it may not.
std::optional<uint64_t> network_cookie_of_process(int pid);

// Gives it a name under /run/netns, as `ip netns add` would. kAlreadyExists when the name is taken.
absl::Status bind_network_namespace(int fd, const std::string& path);
void unbind_network_namespace(const std::string& path);

}  // namespace lapse::lab
