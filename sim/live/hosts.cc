#include "sim/live/hosts.h"

#include <algorithm>

#include <poll.h>
#include <sys/socket.h>

#include "absl/strings/str_cat.h"

#include "control/lab/files.h"

namespace lapse::live {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{10};

int milliseconds_until(steady_clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

bool is_readable(int fd, steady_clock::time_point until) {
  pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&readable, 1, milliseconds_until(until)) == 1;
}

}  // namespace

absl::Status Hosts::listen(const std::string& path) {
  auto listener = listen_at(path);
  if (!listener.ok()) {
    return listener.status();
  }
  listener_ = *std::move(listener);
  return absl::OkStatus();
}

absl::Status Hosts::gather(const std::vector<topology::Host>& hosts) {
  const auto until = steady_clock::now() + kPatience;
  while (lines_.size() < hosts.size()) {
    if (!is_readable(listener_.get(), until)) {
      const auto missing = std::find_if(hosts.begin(), hosts.end(),
                                        [this](const topology::Host& host) { return !lines_.contains(host.name); });
      return absl::DeadlineExceededError(absl::StrCat("the endpoint on ", missing->name, " does not come"));
    }
    Line line(lab::UniqueFd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
    const auto hello = line.receive();
    if (!hello.ok()) {
      return hello.status();
    }
    lines_.emplace(hello->at("host").get<std::string>(), std::move(line));
  }
  return absl::OkStatus();
}

absl::StatusOr<json> Hosts::ask(const std::string& host, const json& command) {
  const Line& line = lines_.at(host);
  const auto gone = absl::UnavailableError(absl::StrCat("the endpoint on ", host, " has gone"));
  if (!line.send(command).ok()) {
    return gone;
  }
  const auto until = steady_clock::now() + kPatience;
  for (;;) {
    if (!is_readable(line.fd(), until)) {
      return absl::DeadlineExceededError(absl::StrCat("the endpoint on ", host, " does not answer ", command.dump()));
    }
    auto message = line.receive();
    if (!message.ok()) {
      return gone;
    }
    if (!message->contains("is")) {
      return message;
    }
    news_.push_back({host, *std::move(message)});
  }
}

void Hosts::wait(steady_clock::time_point until) {
  std::vector<pollfd> polled;
  std::vector<std::string> names;
  for (const auto& [name, line] : lines_) {
    polled.push_back({.fd = line.fd(), .events = POLLIN, .revents = 0});
    names.push_back(name);
  }
  if (poll(polled.data(), polled.size(), milliseconds_until(until)) <= 0) {
    return;
  }
  for (size_t at = 0; at < polled.size(); ++at) {
    if (polled[at].revents == 0) {
      continue;
    }
    if (auto message = lines_.at(names[at]).receive(); message.ok()) {
      news_.push_back({names[at], *std::move(message)});
    }
  }
}

std::optional<News> Hosts::next_news() {
  if (news_.empty()) {
    return std::nullopt;
  }
  News first = std::move(news_.front());
  news_.pop_front();
  return first;
}

}  // namespace lapse::live
