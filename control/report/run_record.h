// run_record.h - everything that reports are made of: one run's conversations, its boxes' ledgers, its frames.
//
// Owner:    whoever feeds it, in sim and in a running instance alike; any thread may feed and read.
// Memory:   bounded by its three parts.
// Time:     none but the events'.
// Bytes:    none.
// Cost:     as its parts.
// Lifetime: none; it has a directory of its own.
// Spec:     design, "Control": reports read the stream of events.
#pragma once

#include "control/report/capture.h"
#include "control/report/ledger.h"
#include "control/story/recorder.h"

namespace lapse::report {

class RunRecord {
 public:
  explicit RunRecord(const topology::Directory& directory, const story::Recorder::Limits& limits = {})
      : directory_(directory), recorder_(directory_, limits), ledger_(directory_) {}
  RunRecord(const RunRecord&) = delete;
  RunRecord& operator=(const RunRecord&) = delete;

  void add(const Event& event) {
    recorder_.add(event);
    ledger_.add(event);
  }
  void add(const CapturedFrame& frame) { capture_.add(frame); }

  const topology::Directory& directory() const { return directory_; }
  const story::Recorder& recorder() const { return recorder_; }
  const Ledger& ledger() const { return ledger_; }
  const Capture& capture() const { return capture_; }

 private:
  const topology::Directory directory_;
  story::Recorder recorder_;
  Ledger ledger_;
  Capture capture_;
};

}  // namespace lapse::report
