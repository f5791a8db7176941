#include "control/report/capture.h"

#include <algorithm>

namespace lapse::report {

void Capture::add(const CapturedFrame& frame) {
  const std::lock_guard lock(mutex_);
  if (first_.size() < kFirst) {
    first_.push_back(frame);
    return;
  }
  if (last_.size() == kLast) {
    last_.pop_front();
    ++left_out_;
  }
  last_.push_back(frame);
}

std::vector<CapturedFrame> Capture::frames() const {
  const std::lock_guard lock(mutex_);
  std::vector<CapturedFrame> all(first_);
  all.insert(all.end(), last_.begin(), last_.end());
  std::stable_sort(all.begin(), all.end(), [](const CapturedFrame& left, const CapturedFrame& right) {
    return left.time != right.time ? left.time < right.time : left.real < right.real;
  });
  return all;
}

uint64_t Capture::left_out() const {
  const std::lock_guard lock(mutex_);
  return left_out_;
}

}  // namespace lapse::report
