// capture.h - the frames of a run, kept for a pcapng file: its beginning and its end when there are too many.
//
// Owner:    whoever drains the rings of frames; add() and the readers may be called from any thread.
// Memory:   bounded: the first kFirst frames and the last kLast, 256 bytes each: 32 MiB at most.
// Time:     none but the frames'.
// Bytes:    as on the wire, cut at kSnapLength.
// Cost:     add(): a copy.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "dataplane/frame_ring.h"

namespace lapse::report {

class Capture {
 public:
  static constexpr size_t kFirst = 31'072;
  static constexpr size_t kLast = 100'000;

  void add(const CapturedFrame& frame);

  // In the order of virtual time; frames of one moment in the order in which they came.
  std::vector<CapturedFrame> frames() const;
  uint64_t left_out() const;  // from the middle

 private:
  mutable std::mutex mutex_;
  std::vector<CapturedFrame> first_;
  std::deque<CapturedFrame> last_;
  uint64_t left_out_ = 0;
};

}  // namespace lapse::report
