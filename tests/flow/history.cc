#include "tests/flow/history.h"

#include <algorithm>
#include <optional>

namespace lapse::test {

namespace {

using Kind = Operation::Kind;

struct Key {
  uint64_t holder = Operation::kNoFlow;
  bool live = false;
  friend bool operator==(const Key&, const Key&) = default;
};

// The key after 'operation', or none: it cannot happen now.
std::optional<Key> apply(const Key& key, const Operation& operation) {
  const bool held = key.holder != Operation::kNoFlow;
  const bool ours = held && key.holder == operation.flow;
  switch (operation.kind) {
    case Kind::kInserted:
      return held ? std::nullopt : std::optional(Key{operation.flow, false});
    case Kind::kTaken:
      return held ? std::optional(key) : std::nullopt;
    case Kind::kPublished:
      return ours && !key.live ? std::optional(Key{operation.flow, true}) : std::nullopt;
    case Kind::kEnded:
      return ours ? std::optional(Key{}) : std::nullopt;
    case Kind::kFound:
      return ours && key.live ? std::optional(key) : std::nullopt;
    case Kind::kMissed:
      return key.live ? std::nullopt : std::optional(key);
  }
  return std::nullopt;
}

bool is_put(const Operation& operation) {
  return operation.kind == Kind::kInserted || operation.kind == Kind::kTaken;
}

// What may be the case at one moment: the key, and which of the operations under way have taken effect.
struct Possibility {
  Key key;
  uint64_t done = 0;
  friend bool operator==(const Possibility&, const Possibility&) = default;
};

class Checker {
 public:
  explicit Checker(std::vector<Operation> history) : history_(std::move(history)) {
    drop_excused();
    for (uint32_t i = 0; i < history_.size(); ++i) {
      moments_.push_back({history_[i].invoked, i, true});
      moments_.push_back({history_[i].returned, i, false});
    }
    std::sort(moments_.begin(), moments_.end(), [](const auto& a, const auto& b) { return a.when < b.when; });
  }

  std::string run() {
    std::vector<uint32_t> slot_of(history_.size());
    for (const Moment& moment : moments_) {
      if (moment.begins) {
        slot_of[moment.operation] = begin(moment.operation);
      } else if (!end(slot_of[moment.operation])) {
        return story(moment.operation);
      }
    }
    return "";
  }

 private:
  static constexpr uint32_t kSlots = 64;
  struct Moment {
    uint64_t when;
    uint32_t operation;
    bool begins;
  };

  void drop_excused() {
    std::sort(history_.begin(), history_.end(), [](const auto& a, const auto& b) { return a.invoked < b.invoked; });
    std::vector<bool> excused(history_.size());
    for (size_t i = 0; i < history_.size(); ++i) {
      for (size_t j = i + 1; j < history_.size() && history_[j].invoked < history_[i].returned; ++j) {
        if (is_put(history_[i]) && is_put(history_[j])) {
          excused[i] = excused[i] || history_[i].kind == Kind::kTaken;
          excused[j] = excused[j] || history_[j].kind == Kind::kTaken;
        }
      }
    }
    size_t kept = 0;
    for (size_t i = 0; i < history_.size(); ++i) {
      if (!excused[i]) {
        history_[kept++] = history_[i];
      }
    }
    history_.resize(kept);
  }

  uint32_t begin(uint32_t operation) {
    uint32_t slot = 0;
    while (slot < kSlots && (used_ >> slot & 1) != 0) {
      ++slot;
    }
    used_ |= uint64_t{1} << slot;
    under_way_[slot] = operation;
    return slot;
  }

  // Keeps what can have come about with the operation in 'slot' done.
  bool end(uint32_t slot) {
    const uint64_t bit = uint64_t{1} << slot;
    for (size_t i = 0; i < possible_.size(); ++i) {
      const Possibility from = possible_[i];
      for (uint64_t open = (from.done & bit) != 0 ? 0 : used_ & ~from.done; open != 0; open &= open - 1) {
        const uint64_t one = open & ~(open - 1);
        const auto key = apply(from.key, history_[under_way_[static_cast<uint32_t>(__builtin_ctzll(one))]]);
        if (key) {
          add({*key, from.done | one});
        }
      }
    }
    std::erase_if(possible_, [bit](const Possibility& it) { return (it.done & bit) == 0; });
    for (Possibility& it : possible_) {
      it.done &= ~bit;
    }
    used_ &= ~bit;
    return !possible_.empty();
  }

  void add(const Possibility& it) {
    if (std::find(possible_.begin(), possible_.end(), it) == possible_.end()) {
      possible_.push_back(it);
    }
  }

  std::string story(uint32_t wrong) const {
    constexpr uint32_t kAround = 12;
    std::string text = "no order explains\n  " + to_string(history_[wrong]) + "\namong\n";
    const uint32_t first = wrong < kAround ? 0 : wrong - kAround;
    for (uint32_t i = first; i < history_.size() && i < wrong + kAround; ++i) {
      text += "  " + to_string(history_[i]) + "\n";
    }
    return text;
  }

  std::vector<Operation> history_;
  std::vector<Moment> moments_;
  std::vector<Possibility> possible_{Possibility{}};
  uint64_t used_ = 0;
  uint32_t under_way_[kSlots] = {};
};

}  // namespace

std::string check(std::vector<Operation> history) {
  return Checker(std::move(history)).run();
}

std::string to_string(const Operation& operation) {
  constexpr const char* kNames[] = {"inserted", "taken", "published", "ended", "found", "missed"};
  return std::to_string(operation.invoked) + " to " + std::to_string(operation.returned) + ": " +
         kNames[static_cast<size_t>(operation.kind)] + " record " + std::to_string(operation.flow & 0xffffffff) +
         " generation " + std::to_string(operation.flow >> 32);
}

}  // namespace lapse::test
