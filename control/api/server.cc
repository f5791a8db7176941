#include "control/api/server.h"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "control/api/handlers.h"
#include "dataplane/clock.h"

namespace lapse::api {
namespace {

constexpr size_t kThreadsBesideFollowers = 2;
constexpr size_t kLargestBody = 64 * 1024;
constexpr int kAnyPort = 80;  // a Unix socket has none, and 0 would ask for its number

// A file that nobody listens on is what a killed instance left behind.
absl::Status clear_socket(const std::string& path) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) {
    return absl::OkStatus();
  }
  if (!S_ISSOCK(found.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " exists and is no socket; remove it"));
  }
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const bool answers = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  if (answers) {
    return absl::AlreadyExistsError(absl::StrCat(path, ": another instance answers there"));
  }
  unlink(path.c_str());
  return absl::OkStatus();
}

}  // namespace

struct Server::Impl {
  Impl(InstanceView& view, const ServerOptions& settings)
      : instance(view),
        options(settings),
        record(view.directory(), settings.limits),
        history(settings.events, settings.packets),
        handlers(view, options, record, history,
                 TscClock::wall_nanoseconds_since_epoch() - view.now().real.time_since_epoch().count()) {
    http.set_address_family(AF_UNIX);
    http.new_task_queue = [threads = settings.followers + kThreadsBesideFollowers] {
      return new httplib::ThreadPool(threads);
    };
    // A connection that idles would hold a thread.
    http.set_keep_alive_max_count(1);
    http.set_payload_max_length(kLargestBody);
    // The kernel gives the file the mode of the socket, so there is no moment at which others could open it.
    http.set_socket_options([](socket_t socket) { fchmod(socket, S_IRUSR | S_IWUSR); });
    handlers.install(http);
  }

  InstanceView& instance;
  const ServerOptions options;
  lapse::report::RunRecord record;
  History history;
  Handlers handlers;
  httplib::Server http;
  std::unique_ptr<InstanceView::Subscription> subscription;
  std::thread thread;
  std::once_flag stopped;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  stop();
}

absl::StatusOr<std::unique_ptr<Server>> Server::start(InstanceView& instance, const ServerOptions& options) {
  if (options.socket_path.empty() || options.socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the socket path '", options.socket_path, "' has ", options.socket_path.size(), " bytes; 1 to ",
                     sizeof(sockaddr_un::sun_path) - 1, " fit: set LAPSE_RUNTIME_DIR to a shorter folder"));
  }
  if (const absl::Status cleared = clear_socket(options.socket_path); !cleared.ok()) {
    return cleared;
  }
  auto impl = std::make_unique<Impl>(instance, options);
  errno = 0;
  if (!impl->http.bind_to_port(options.socket_path, kAnyPort)) {
    return absl::InternalError(absl::StrCat("cannot listen on ", options.socket_path, ": ", std::strerror(errno)));
  }
  impl->subscription = instance.subscribe([raw = impl.get()](const Event& event) {
    raw->record.add(event);
    raw->history.add(event);
    if (event.frame != kNoFrame) {
      raw->instance.take_frames([raw](const CapturedFrame& frame) { raw->record.add(frame); });
    }
  });
  impl->thread = std::thread([raw = impl.get()] { raw->http.listen_after_bind(); });
  // stop() takes effect only on a server that runs.
  while (!impl->http.is_running()) {
    std::this_thread::yield();
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::stop() {
  std::call_once(impl_->stopped, [this] {
    impl_->subscription.reset();
    impl_->history.close();
    impl_->http.stop();
    impl_->thread.join();
    unlink(impl_->options.socket_path.c_str());
  });
}

const story::Recorder& Server::recorder() const {
  return impl_->record.recorder();
}

}  // namespace lapse::api
