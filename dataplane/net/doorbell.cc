#include "dataplane/net/doorbell.h"

#include <cstdint>
#include <cstdlib>

#include <sys/eventfd.h>
#include <unistd.h>

namespace lapse {

Doorbell::~Doorbell() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

void Doorbell::open() {
  if (descriptor_ < 0) {
    descriptor_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  }
  if (descriptor_ < 0) {
    std::abort();  // only exhausted kernel memory or descriptors get here
  }
}

void Doorbell::wake_up() {
  asleep_.store(false, std::memory_order_relaxed);
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = read(descriptor_, &count, sizeof(count));
}

void Doorbell::ring() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = write(descriptor_, &one, sizeof(one));
}

}  // namespace lapse
