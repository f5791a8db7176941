// pcapng.h - a capture file of a run: one interface a link, virtual timestamps, comments on the packets that matter.
//
// Owner:    none; pure functions.
// Memory:   the file, as a string.
// Time:     virtual nanoseconds from the start of the run, written as if from 1970.
// Bytes:    little-endian blocks; frames as on the wire.
// Cost:     a pass over the frames.
// Lifetime: none.
// Spec:     draft-ietf-opsawg-pcapng: section header, interface description, enhanced packet block.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/report/capture.h"
#include "control/story/recorder.h"

namespace lapse::report {

// By frame: "natgw: late packet, no flow; answered with a RST (LATE-RST)".
using FrameComments = std::map<uint64_t, std::string>;
FrameComments comments_of(const story::Recorder& recorder, const topology::Directory& directory);

// 'links' are the interfaces' names, by LinkId.
std::string pcapng(const std::vector<CapturedFrame>& frames, const std::vector<std::string>& links,
                   const FrameComments& comments, const std::string& section_comment);

}  // namespace lapse::report
