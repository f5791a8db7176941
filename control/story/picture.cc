#include "control/story/picture.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/story/names.h"
#include "control/story/text.h"
#include "dataplane/wire/tcp.h"

namespace lapse::story {
namespace {

class Painter {
 public:
  Painter(const Conversation& conversation, const topology::Directory& directory)
      : story_(conversation), directory_(directory), has_right_end_(!ends_at_box(conversation, directory)) {
    for (const BoxKnowledge& known : story_.boxes) {
      boxes_.push_back({.box = known.box});
    }
  }

  Picture paint() {
    picture_.title = tuple_name(story_.tuple, directory_);
    picture_.number = "#" + std::to_string(story_.id);
    picture_.begin = "0.000s is " + seconds_text(story_.first.time_since_epoch()) + "s of virtual time";
    picture_.is_tcp = story_.is_tcp();
    picture_.length = story_.last - story_.first;
    picture_.believers = believers(story_, directory_);
    add_columns();
    for (const Row& row : rows_of(story_)) {
      picture_.rows.push_back(painted(row));
    }
    return std::move(picture_);
  }

 private:
  void add_columns() {
    const bool has_ports = story_.tuple.protocol != static_cast<uint8_t>(Protocol::kIcmp);
    const auto text = [&](Ipv4Address address, Be16 port) {
      return has_ports ? endpoint_address(address, port) : to_string(address);
    };
    const auto add_end = [&](End which) {
      const EndState& end = story_.end(which);
      picture_.columns.push_back({end_name(story_, which, directory_), text(end.address, end.port), false});
    };
    add_end(End::kOpener);
    for (const BoxKnowledge& known : story_.boxes) {
      const auto opened = std::find_if(story_.entries.begin(), story_.entries.end(), [&](const Entry& entry) {
        return entry.event == EventKind::kFlowNew && entry.to == known.box;
      });
      const bool translates = opened != story_.entries.end() && opened->outside != known.original.source;
      picture_.columns.push_back({box_name(known.box, directory_),
                                  translates ? "as " + text(opened->outside, opened->outside_port) : "", true});
    }
    if (has_right_end_) {
      add_end(End::kResponder);
    }
  }

  size_t column_of(BoxId box, End end_if_none) const {
    if (box == kNoBox && end_if_none == End::kOpener) {
      return 0;
    }
    for (size_t at = 0; box != kNoBox && at < boxes_.size(); ++at) {
      if (boxes_[at].box == box) {
        return at + 1;
      }
    }
    return picture_.columns.size() - 1;
  }

  void apply(const Entry& entry) {
    apply_to_ends(entry, story_.is_tcp(), ends_);
    for (BoxKnowledge& box : boxes_) {
      apply_to_box(entry, box);
    }
  }

  Life life_of(End end) const {
    if (story_.is_tcp() && !believes(ends_[index(end)].belief)) {
      return Life::kNone;
    }
    const bool forgotten = std::any_of(boxes_.begin(), boxes_.end(),
                                       [](const BoxKnowledge& known) { return known.state == BoxState::kForgot; });
    return story_.is_tcp() && forgotten ? Life::kInVain : Life::kAlive;
  }

  std::vector<Life> lives() const {
    std::vector<Life> all{life_of(End::kOpener)};
    for (const BoxKnowledge& known : boxes_) {
      all.push_back(known.state == BoxState::kTracking ? Life::kAlive
                    : known.state == BoxState::kForgot ? Life::kForgotten
                                                       : Life::kNone);
    }
    if (has_right_end_) {
      all.push_back(life_of(End::kResponder));
    }
    return all;
  }

  PictureRow painted(const Row& row) {
    for (const Entry& crossing : row.crossings) {
      apply(crossing);
    }
    apply(row.entry);
    for (const Entry& silent : row.silent) {
      apply(silent);
    }
    PictureRow result{.kind = row.kind,
                      .row_class = row.row_class,
                      .time = row.time - story_.first,
                      .last = row.last - story_.first,
                      .lives = lives()};
    switch (row.kind) {
      case RowKind::kPacket:
        add_arrows(row, result);
        break;
      case RowKind::kBoxEvent:
        result.column = column_of(row.entry.to, End::kOpener);
        result.forgets = row.entry.event == EventKind::kFlowExpired || row.entry.event == EventKind::kFlowReleased;
        result.words = box_event_text(row.entry);
        break;
      case RowKind::kFold:
        result.words = fold_text(row.entry, row.row_class == RowClass::kDropped, story_, directory_);
        break;
      case RowKind::kSilence:
        result.words = about(row.last - row.time) + " idle";
        break;
    }
    return result;
  }

  void add_arrows(const Row& row, PictureRow& result) const {
    for (const Entry& crossing : row.crossings) {
      Arrow arrow{.from = column_of(crossing.from, crossing.from_end),
                  .to = column_of(crossing.to, other(crossing.from_end)),
                  .label = packet_label(crossing, story_, directory_),
                  .detail = story_.is_tcp() ? absl::StrCat("seq ", crossing.sequence, ", ",
                                                           counted(crossing.payload, "byte"), " of data")
                                            : counted(crossing.payload, "byte"),
                  .tone = tone_of(crossing),
                  .lost = crossing.lost};
      if (arrow.from != arrow.to) {
        result.arrows.push_back(std::move(arrow));
      }
    }
    if (const Entry& last = row.crossings.back(); last.dropped) {
      result.ending = Ending{.column = column_of(last.to, other(last.from_end)),
                             .from = column_of(last.from, last.from_end),
                             .lost = last.lost,
                             .rightwards = last.from_end == End::kOpener,
                             .repeated = last.role == Role::kRepeated,
                             .reasons = reasons(last),
                             .sentence = long_reason(last)};
    }
  }

  static Tone tone_of(const Entry& entry) {
    if (entry.dropped || (entry.tcp_flags & kTcpRst) != 0) {
      return Tone::kBad;
    }
    return entry.role == Role::kKeepalive || entry.role == Role::kKeepaliveAnswer ? Tone::kKeepalive : Tone::kPlain;
  }

  const Conversation& story_;
  const topology::Directory& directory_;
  bool has_right_end_;
  std::array<EndState, 2> ends_;  // as of the row that is painted
  std::vector<BoxKnowledge> boxes_;
  Picture picture_;
};

}  // namespace

Picture picture_of(const Conversation& conversation, const topology::Directory& directory) {
  return Painter(conversation, directory).paint();
}

}  // namespace lapse::story
