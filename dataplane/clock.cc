#include "dataplane/clock.h"

#include <cassert>

#include <time.h>
#include <x86intrin.h>

namespace lapse {
namespace {

int64_t monotonic_nanoseconds() {
  timespec reading{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &reading);
  return int64_t{reading.tv_sec} * 1'000'000'000 + reading.tv_nsec;
}

// The counter's rate is measured once a process, against the kernel's clock.
double measure_nanoseconds_per_cycle() {
  constexpr int64_t kSpan = 20'000'000;
  const int64_t start = monotonic_nanoseconds();
  const uint64_t start_cycles = __rdtsc();
  int64_t end = start;
  while (end - start < kSpan) {
    end = monotonic_nanoseconds();
  }
  const uint64_t cycles = __rdtsc() - start_cycles;
  return static_cast<double>(end - start) / static_cast<double>(cycles);
}

double nanoseconds_per_cycle() {
  static const double measured = measure_nanoseconds_per_cycle();
  return measured;
}

}  // namespace

// From 'cycles' on, virtual time is 'virtual_start' plus 'rate' virtual nanoseconds a cycle.
struct TscClock::Mapping {
  uint64_t cycles;
  Duration virtual_start;
  double rate;
  double scale;
  Duration last_jump;

  Duration at(uint64_t now_cycles) const {
    const uint64_t passed = now_cycles > cycles ? now_cycles - cycles : 0;
    return virtual_start + Duration(static_cast<int64_t>(static_cast<double>(passed) * rate));
  }
};

TscClock::TscClock(double scale) : start_cycles_(0), nanoseconds_per_cycle_(nanoseconds_per_cycle()) {
  assert(scale > 0);
  start_cycles_ = __rdtsc();
  mappings_.push_back(std::make_unique<const Mapping>(
      Mapping{start_cycles_, Duration::zero(), nanoseconds_per_cycle_ * scale, scale, Duration::zero()}));
  mapping_.store(mappings_.back().get(), std::memory_order_release);
}

TscClock::~TscClock() = default;

Now TscClock::now() const {
  const Mapping& mapping = *mapping_.load(std::memory_order_acquire);
  const uint64_t cycles = __rdtsc();
  const auto real = static_cast<int64_t>(static_cast<double>(cycles - start_cycles_) * nanoseconds_per_cycle_);
  return {.now = Instant(mapping.at(cycles)), .real = Instant(Duration(real)), .last_jump = Instant(mapping.last_jump)};
}

Duration TscClock::real_duration(Duration duration) const {
  return Duration(static_cast<int64_t>(static_cast<double>(duration.count()) / scale()));
}

uint64_t TscClock::cycles(Duration real) const {
  return static_cast<uint64_t>(static_cast<double>(real.count()) / nanoseconds_per_cycle_);
}

double TscClock::scale() const {
  return mapping_.load(std::memory_order_acquire)->scale;
}

void TscClock::advance(Duration duration) {
  assert(duration >= Duration::zero());
  publish(duration, 0);
}

void TscClock::set_scale(double scale) {
  assert(scale > 0);
  publish(Duration::zero(), scale);
}

void TscClock::publish(Duration jump, double scale) {
  const std::lock_guard lock(publish_mutex_);
  const Mapping& before = *mappings_.back();
  const uint64_t cycles = __rdtsc();
  const Duration start = before.at(cycles) + jump;
  const double new_scale = scale > 0 ? scale : before.scale;
  mappings_.push_back(
      std::make_unique<const Mapping>(Mapping{cycles, start, nanoseconds_per_cycle_ * new_scale, new_scale,
                                              jump > Duration::zero() ? start : before.last_jump}));
  mapping_.store(mappings_.back().get(), std::memory_order_release);
}

void TscClock::retire() {
  const std::lock_guard lock(publish_mutex_);
  mappings_.erase(mappings_.begin(), mappings_.end() - 1);
}

int64_t TscClock::wall_nanoseconds_since_epoch() {
  timespec reading{};
  clock_gettime(CLOCK_REALTIME, &reading);
  return int64_t{reading.tv_sec} * 1'000'000'000 + reading.tv_nsec;
}

}  // namespace lapse
