#include "control/explain/words.h"

#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "control/story/text.h"

namespace lapse::explain {
namespace {

constexpr const char* kKeepaliveTime = "net.ipv4.tcp_keepalive_time";
constexpr Duration kKernelDefault = std::chrono::seconds(7200);

const SysctlFacts* time_sysctl(const Run& run, const std::string& host) {
  const HostFacts* facts = run.host(host);
  if (facts == nullptr) {
    return nullptr;
  }
  const auto found = facts->sysctls.find(kKeepaliveTime);
  return found == facts->sysctls.end() ? nullptr : &found->second;
}

// Where a file is, its reader knows; long paths only hide the line.
std::string short_place(const Origin& origin) {
  return origin.by == SetBy::kFile ? std::filesystem::path(origin.place).filename().string() : origin.place;
}

}  // namespace

std::string origin_text(const Origin& origin, const std::string& kind) {
  switch (origin.by) {
    case SetBy::kFile:
      return "set in " + short_place(origin);
    case SetBy::kCommandLine:
      return "set by " + origin.place;
    case SetBy::kDefault:
      break;
  }
  return origin.reference.empty() ? "the default of " + kind
                                  : absl::StrCat("nobody set it: the default of ", kind, " (reference ",
                                                 origin.reference, "; ", origin.confidence, ")");
}

std::string moment(Instant instant, const story::Conversation& conversation) {
  return story::about(instant - conversation.first);
}

std::string behaviour_text(const BoxFacts& box, Side side) {
  if (static_cast<size_t>(side) >= box.late.size()) {
    return "";
  }
  const LateFacts& late = box.late[static_cast<size_t>(side)];
  return absl::StrCat("late_packet.", late.side, ": ", late.behaviour == LatePacket::kRst ? "rst" : "drop", ", ",
                      origin_text(late.origin, box.kind));
}

std::string deed(LatePacket behaviour) {
  return behaviour == LatePacket::kRst ? "answers it with a RST" : "drops it in silence";
}

std::string keepalive_sysctl_text(const Run& run, const std::string& host) {
  const SysctlFacts* const sysctl = time_sysctl(run, host);
  return absl::StrCat(kKeepaliveTime, " of ", host, " is ", sysctl == nullptr ? "7200" : sysctl->value, ", ",
                      origin_text(sysctl == nullptr ? Origin{} : sysctl->origin, "the kernel"));
}

Duration keepalive_sysctl(const Run& run, const std::string& host) {
  const SysctlFacts* const sysctl = time_sysctl(run, host);
  int64_t value = 0;
  const bool known = sysctl != nullptr && absl::SimpleAtoi(sysctl->value, &value) && value > 0;
  return known ? std::chrono::seconds(value) : kKernelDefault;
}

bool sets_keepalive_sysctl(const Run& run, const std::string& host) {
  return time_sysctl(run, host) != nullptr;
}

}  // namespace lapse::explain
