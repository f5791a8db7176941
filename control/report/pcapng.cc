#include "control/report/pcapng.h"

#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"

#include "control/story/names.h"

namespace lapse::report {
namespace {

static_assert(std::endian::native == std::endian::little);

enum BlockType : uint32_t { kSectionHeader = 0x0a0d0d0a, kInterfaceDescription = 1, kEnhancedPacket = 6 };
enum OptionCode : uint16_t { kEnd = 0, kComment = 1, kInterfaceName = 2, kUserApplication = 4, kResolution = 9 };

constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint16_t kLinkTypeEthernet = 1;
constexpr uint8_t kNanoseconds = 9;  // 10^-9 s
constexpr size_t kLongestOption = 0xffff;

// One block: what is put in, between its type and length and its length again.
class Block {
 public:
  explicit Block(BlockType type) { put(static_cast<uint32_t>(type)).put(uint32_t{0}); }

  template <typename Number>
  Block& put(Number number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
    return *this;
  }
  Block& put_padded(std::string_view bytes) {
    bytes_.append(bytes);
    bytes_.resize((bytes_.size() + 3) & ~size_t{3});
    return *this;
  }
  Block& option(OptionCode code, std::string_view value) {
    value = value.substr(0, kLongestOption);
    put(static_cast<uint16_t>(code)).put(static_cast<uint16_t>(value.size()));
    return put_padded(value);
  }
  Block& end_of_options() { return put(static_cast<uint16_t>(kEnd)).put(uint16_t{0}); }

  void append_to(std::string& file) {
    const auto length = static_cast<uint32_t>(bytes_.size() + sizeof(uint32_t));
    std::memcpy(bytes_.data() + sizeof(uint32_t), &length, sizeof length);
    put(length);
    file += bytes_;
  }

 private:
  std::string bytes_;
};

void append_section(std::string& file, const std::string& comment) {
  Block block(kSectionHeader);
  block.put(kByteOrderMagic).put(uint16_t{1}).put(uint16_t{0}).put(~uint64_t{0});
  block.option(kComment, comment).option(kUserApplication, "lapse").end_of_options().append_to(file);
}

void append_interface(std::string& file, const std::string& name) {
  Block block(kInterfaceDescription);
  block.put(kLinkTypeEthernet).put(uint16_t{0}).put(static_cast<uint32_t>(kSnapLength));
  const char resolution = kNanoseconds;
  block.option(kInterfaceName, name).option(kResolution, {&resolution, 1}).end_of_options().append_to(file);
}

void append_packet(std::string& file, const CapturedFrame& frame, const std::string* comment) {
  const auto time = static_cast<uint64_t>(frame.time.time_since_epoch().count());
  Block block(kEnhancedPacket);
  block.put(static_cast<uint32_t>(index(frame.link)));
  block.put(static_cast<uint32_t>(time >> 32)).put(static_cast<uint32_t>(time));
  block.put(uint32_t{frame.captured}).put(uint32_t{frame.length});
  block.put_padded({reinterpret_cast<const char*>(frame.bytes.data()), frame.captured});
  if (comment != nullptr) {
    block.option(kComment, *comment).end_of_options();
  }
  block.append_to(file);
}

absl::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

std::string comment_of(const story::Entry& entry, const topology::Directory& directory) {
  if (entry.late) {
    const bool answered = entry.reason == DropReason::kAnswered;
    return absl::StrCat(story::box_name(entry.to, directory), ": late packet: it met no living flow; ",
                        answered ? "answered with a RST to its sender" : "dropped in silence", " (",
                        view(answered ? code(EventKind::kRstSent) : code(entry.reason)), ")");
  }
  if (entry.dropped) {
    return absl::StrCat(story::box_name(entry.to, directory), ": dropped: ", view(sentence(entry.reason)), " (",
                        view(code(entry.reason)), ")");
  }
  if (entry.made_by != kNoBox) {
    return absl::StrCat("RST made by ", story::box_name(entry.made_by, directory), ", by neither end (",
                        view(code(EventKind::kRstSent)), ")");
  }
  return "";
}

}  // namespace

FrameComments comments_of(const story::Recorder& recorder, const topology::Directory& directory) {
  FrameComments comments;
  recorder.visit([&](const story::Conversation& conversation) {
    for (const story::Entry& entry : conversation.entries) {
      if (entry.kind != story::EntryKind::kCrossing || entry.frame == kNoFrame) {
        continue;
      }
      if (std::string comment = comment_of(entry, directory); !comment.empty()) {
        comments[entry.frame] = std::move(comment);
      }
    }
  });
  return comments;
}

std::string pcapng(const std::vector<CapturedFrame>& frames, const std::vector<std::string>& links,
                   const FrameComments& comments, const std::string& section_comment) {
  std::string file;
  append_section(file, section_comment);
  for (const std::string& link : links) {
    append_interface(file, link);
  }
  for (const CapturedFrame& frame : frames) {
    const auto comment = comments.find(frame.id);
    append_packet(file, frame, comment == comments.end() ? nullptr : &comment->second);
  }
  return file;
}

}  // namespace lapse::report
