// hosts.h - the endpoints of a live story, as their director speaks to them.
//
// Owner:    the director.
// Memory:   what endpoints said unasked and nobody has taken yet.
// Time:     real; an endpoint that does not answer is given up after a while.
// Bytes:    JSON, as endpoint.h has it.
// Cost:     a question: two messages.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "control/lab/unique_fd.h"
#include "control/topology/topology.h"
#include "sim/live/line.h"

namespace lapse::live {

struct News {
  std::string host;
  nlohmann::json message;
};

class Hosts {
 public:
  // Endpoints may connect to 'path' from now on.
  absl::Status listen(const std::string& path);
  // Waits for the endpoint of each.
  absl::Status gather(const std::vector<topology::Host>& hosts);

  // The answer to a command; a failed one is {"error": ERRNO}.
  absl::StatusOr<nlohmann::json> ask(const std::string& host, const nlohmann::json& command);
  // Sleeps until one has said something, or the time is over.
  void wait(std::chrono::steady_clock::time_point until);
  std::optional<News> next_news();

  // It is off the network: its kernel need not be waited for.
  void forget(const std::string& host) { gone_.insert(host); }
  bool is_forgotten(const std::string& host) const { return gone_.contains(host); }

 private:
  lab::UniqueFd listener_;
  std::map<std::string, Line> lines_;
  std::deque<News> news_;
  std::set<std::string> gone_;
};

}  // namespace lapse::live
