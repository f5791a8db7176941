// user_namespace.h - how an ordinary user becomes root of namespaces of their own, and why the machine may refuse.
//
// Owner:    the supervisor, while it is single-threaded.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a few system calls; one run of newuidmap and newgidmap where there is a range.
// Lifetime: the namespaces live while a process of the lab does.
// Spec:     user_namespaces(7), subuid(5).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "control/lab/caller.h"

namespace lapse::lab {

struct IdRange {
  uint32_t first = 0;
  uint32_t count = 0;
};

// The first range that an /etc/subuid or /etc/subgid gives to the user, by name or number.
std::optional<IdRange> find_id_range(std::string_view file, const std::string& user, uint32_t uid);

enum class IdMap {
  kRange,   // services may change to users of their own
  kSingle,  // setuid, setgid and setgroups are refused inside
};

// The calling process enters a user namespace where it is root, with a mount and a network namespace of its own.
// The error says what this machine forbids and the command that allows it.
absl::StatusOr<IdMap> enter_user_namespace(const Caller& caller);

// Which step the kernel refused: it decides the remedy.
enum class RefusedStep { kUserNamespace, kIdMap, kOtherNamespaces };

// 'setting' gives the content of a file of /proc/sys, or nothing where there is none.
using SettingReader = std::function<std::optional<std::string>(const std::string& path)>;
std::string explain_refusal(RefusedStep step, int error, const SettingReader& setting);

// Whether the lab's root can open /dev/net/tun; the error names the command that helps.
absl::Status check_tun_device();
std::string explain_tun(int error, bool ordinary_user);

// A known service of the command line that needs several user ids, as "sshd"; nothing for others.
std::optional<std::string> service_needing_ids(const std::string& run);

}  // namespace lapse::lab
