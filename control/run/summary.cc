#include "control/run/summary.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "control/story/names.h"
#include "control/story/text.h"

namespace lapse::run {
namespace {

std::string packets_text(uint64_t packets, uint64_t bytes) {
  return absl::StrCat(story::counted(packets, "packet"), " (", story::bytes_text(bytes), ")");
}

std::string per(uint64_t amount, uint64_t count, const char* what) {
  return count == 0 ? "" : absl::StrFormat(", %.1f %s", static_cast<double>(amount) / static_cast<double>(count), what);
}

std::string drops_text(const std::map<DropReason, uint64_t>& dropped) {
  std::string text;
  for (const auto& [reason, count] : dropped) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", std::string(code(reason)), " ", story::count_text(count));
  }
  return text;
}

std::string worker_text(const WorkerStatus& worker, size_t number) {
  const std::string core = worker.core ? absl::StrCat(" (core ", *worker.core, ")") : "";
  const std::string drops = drops_text(worker.dropped);
  const std::string handed =
      worker.handed == 0 ? "" : absl::StrCat(" and ", story::count_text(worker.handed), " from other workers");
  return absl::StrCat("  worker ", number, core, ": ", story::counted(worker.packets, "packet"), handed,
                      per(worker.packets, worker.bursts, "a burst"),
                      per(worker.busy_cycles, worker.packets + worker.handed, "cycles each"),
                      drops.empty() ? "" : absl::StrCat("; dropped: ", drops), "\n");
}

}  // namespace

std::string ports_text(const InstanceStatus& status, const topology::Directory& directory) {
  std::string text;
  for (const LinkStatus& link : status.links) {
    if (!link.port) {
      continue;
    }
    const io::DevicePlan& plan = link.port->plan;
    absl::StrAppend(&text, "  ", story::link_name(link.link, directory), ": ", link.device, ", ",
                    story::counted(plan.queues, "queue"), ", mtu ", plan.mtu, ", link ",
                    link.port->state.up ? "up" : "DOWN", "\n");
  }
  return text;
}

std::string summary_text(const InstanceStatus& status, const topology::Directory& directory) {
  const Conservation& sum = status.process;
  std::string text =
      absl::StrCat("  received ", story::count_text(sum.received), ", originated ", story::count_text(sum.originated),
                   ", sent ", story::count_text(sum.sent), ", dropped ", story::count_text(sum.dropped), ", held ",
                   story::count_text(sum.held), "\n");
  for (const LinkStatus& link : status.links) {
    absl::StrAppend(&text, "  ", story::link_name(link.link, directory), ": received ",
                    packets_text(link.received_packets, link.received_bytes), ", sent ",
                    packets_text(link.sent_packets, link.sent_bytes), "\n");
  }
  for (size_t number = 0; number < status.workers.size(); ++number) {
    text += worker_text(status.workers[number], number);
  }
  return text;
}

}  // namespace lapse::run
