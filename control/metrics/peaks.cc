#include "control/metrics/peaks.h"

#include <algorithm>
#include <cmath>

namespace lapse::metrics {
namespace {

constexpr double kWindowSeconds = std::chrono::duration<double>(Peak::kWindow).count();

double share_of(Duration part, Duration whole) {
  return static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

uint64_t rate(double amount) {
  return static_cast<uint64_t>(std::llround(amount / kWindowSeconds));
}

}  // namespace

void Peak::Amount::add(const Amount& more, double share) {
  packets += more.packets * share;
  bytes += more.bytes * share;
}

void Peak::Amount::rise_to(const Amount& other) {
  packets = std::max(packets, other.packets);
  bytes = std::max(bytes, other.bytes);
}

void Peak::observe(Instant now, const Processed& sum) {
  now = std::max(now, observed_);
  // Packets and bytes are not read at one instant: of a busy box, bytes may seem to fall by a header.
  const Processed grown{std::max(sum.packets, seen_.packets), std::max(sum.bytes, seen_.bytes)};
  const Amount news{static_cast<double>(grown.packets - seen_.packets), static_cast<double>(grown.bytes - seen_.bytes)};
  const Duration since = now - observed_;
  if (now < window_end_) {
    in_window_.add(news, 1);
  } else {
    in_window_.add(news, share_of(window_end_ - observed_, since));
    highest_.rise_to(in_window_);
    // Of the windows between, each has the same share.
    const auto whole = (now - window_end_) / kWindow;
    if (whole > 0) {
      in_window_ = {};
      in_window_.add(news, share_of(kWindow, since));
      highest_.rise_to(in_window_);
    }
    window_end_ += kWindow * (whole + 1);
    in_window_ = {};
    in_window_.add(news, share_of(now - (window_end_ - kWindow), since));
  }
  observed_ = now;
  seen_ = grown;
}

Processed Peak::per_second() const {
  Amount highest = highest_;
  highest.rise_to(in_window_);
  return {rate(highest.packets), rate(highest.bytes)};
}

void Peaks::observe(Instant now) {
  for (size_t id = 0; id < peaks_.size(); ++id) {
    peaks_[id].observe(now, processed(totals(network_, BoxId{static_cast<uint8_t>(id)})));
  }
}

void Peaks::pass(Instant now) {
  for (Peak& peak : peaks_) {
    peak.pass(now);
  }
}

Instant Peaks::window_end() const {
  return peaks_.empty() ? Instant::max() : peaks_.front().window_end();
}

void Peaks::fill_in(BoxId box, Totals& totals) const {
  totals.peak_per_second = peaks_[index(box)].per_second();
}

}  // namespace lapse::metrics
