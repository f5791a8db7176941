#include "sim/live/line.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/lab/files.h"

namespace lapse::live {
namespace {

constexpr size_t kLargestMessage = 1 << 16;
constexpr int kMostHosts = 64;

absl::StatusOr<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError("the path of a socket is too long: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

lab::UniqueFd make_socket() {
  return lab::UniqueFd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

absl::Status Line::send(const nlohmann::json& message) const {
  const std::string text = message.dump();
  if (::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
    return lab::errno_status(errno, "speaking to an endpoint");
  }
  return absl::OkStatus();
}

absl::StatusOr<nlohmann::json> Line::receive() const {
  std::array<char, kLargestMessage> text;
  const ssize_t size = recv(fd_.get(), text.data(), text.size(), 0);
  if (size <= 0) {
    return absl::UnavailableError("the other end of the line has gone");
  }
  auto message = nlohmann::json::parse(text.data(), text.data() + size, nullptr, false);
  if (!message.is_object()) {
    return absl::InternalError("no message: " + std::string(text.data(), static_cast<size_t>(size)));
  }
  return message;
}

absl::StatusOr<lab::UniqueFd> listen_at(const std::string& path) {
  const auto address = address_of(path);
  if (!address.ok()) {
    return address.status();
  }
  lab::UniqueFd fd = make_socket();
  if (!fd.valid() || bind(fd.get(), generic(*address), sizeof(*address)) != 0 || listen(fd.get(), kMostHosts) != 0) {
    return lab::errno_status(errno, path);
  }
  return fd;
}

absl::StatusOr<Line> connect_to(const std::string& path) {
  const auto address = address_of(path);
  if (!address.ok()) {
    return address.status();
  }
  lab::UniqueFd fd = make_socket();
  if (!fd.valid() || connect(fd.get(), generic(*address), sizeof(*address)) != 0) {
    return lab::errno_status(errno, path);
  }
  return Line(std::move(fd));
}

}  // namespace lapse::live
