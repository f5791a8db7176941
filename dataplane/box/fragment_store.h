// fragment_store.h - what is known of datagrams that travel in fragments, of which only the first one has ports.
//
// Owner:    one worker of one box; all fragments of a datagram meet on one worker.
// Memory:   bounded: allocated in the constructor, 1 KiB a datagram of it touched only when it is used.
// Time:     callers pass real time: senders are real kernels, and wait no less when the boxes' clock jumps.
// Bytes:    wire order.
// Cost:     admit(): one keyed hash, one line, and a few words of the datagram's map.
// Lifetime: a held packet goes on, or is dropped with a reason, within kWaitFor.
// Spec:     aws-behaviour 3.2; RFC 791 section 3.2, RFC 4787 REQ-14, RFC 5722.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>

#include "dataplane/box/datagram_map.h"
#include "dataplane/output.h"
#include "dataplane/time.h"

namespace lapse {

// What became of the first fragment, and becomes of the others.
struct FragmentRewrite {
  Ipv4Address address;  // the source of what goes outside, the destination of what goes inside
  Be16 identification;
  Side to{};
};

// Nothing is put together: as soon as the first fragment has passed, the others pass one by one as they come. No byte of
// a datagram passes twice.
class FragmentStore {
 public:
  static constexpr size_t kMostDatagrams = 512;
  static constexpr size_t kMostHeld = 256;
  static constexpr size_t kMostHeldOfOne = 64;  // 64 KiB in Ethernet frames are 45
  static constexpr Duration kWaitFor = std::chrono::seconds(15);

  explicit FragmentStore(const HashKey& hash_key);

  enum class Fate : uint8_t {
    kFirst,    // is to be treated as a packet of its flow; then pass_on() or refuse() has to be called
    kFollows,  // goes on as 'rewrite' says
    kHeld,     // the store has it
    kDropped,  // is to be dropped for 'reason'
  };
  struct Verdict {
    Fate fate = Fate::kDropped;
    DropReason reason{};
    FragmentRewrite rewrite{};
  };
  // 'fragment' came in on 'side'. Where there is no place for its datagram, an older one gives way: 'out' gets what was
  // held of that.
  Verdict admit(Packet* fragment, Side side, Instant real, Output& out);

  // What became of the last kFirst: the other fragments follow it, or are dropped.
  void pass_on(const FragmentRewrite& rewrite);
  void refuse(Output& out);

  // A held packet whose first fragment has passed on since, with its rewrite.
  struct Ready {
    Packet* packet = nullptr;
    FragmentRewrite rewrite;
  };
  std::optional<Ready> take_ready();

  // Drops what has waited too long, of at most 'budget' datagrams.
  void expire(Instant real, size_t budget, Output& out);
  void drop_all(DropReason reason, Output& out);

  // When the next held packet can go on, or has to be dropped; none while nothing is held.
  std::optional<Instant> next_deadline(Instant real) const;
  uint64_t held() const { return held_in_.get() - held_out_.get(); }  // for any thread

 private:
  static constexpr uint16_t kNone = 0xffff;

  enum class State : uint8_t { kWaiting, kPassing, kRefused };
  struct Datagram : boost::intrusive::list_base_hook<>, boost::intrusive::unordered_set_base_hook<> {
    FiveTuple key;
    Instant deadline;
    FragmentRewrite rewrite;  // kPassing
    DropReason refusal{};     // kRefused
    State state = State::kWaiting;
    DatagramMap map;
    uint16_t held = kNone;  // the first of a chain
    uint16_t held_count = 0;
  };
  struct Held {
    Packet* packet = nullptr;
    FragmentRewrite rewrite;  // once it is ready
    uint16_t next = kNone;
  };
  struct KeyOf {
    using type = FiveTuple;
    const FiveTuple& operator()(const Datagram& datagram) const { return datagram.key; }
  };
  struct KeyHash {
    HashKey hash_key;
    size_t operator()(const FiveTuple& key) const { return hash(key, hash_key); }
  };
  using Index =
      boost::intrusive::unordered_set<Datagram, boost::intrusive::key_of_value<KeyOf>, boost::intrusive::hash<KeyHash>,
                                      boost::intrusive::power_2_buckets<true>>;
  using ByAge = boost::intrusive::list<Datagram>;

  Datagram& find_or_make(const FiveTuple& key, Instant real, Output& out);
  DatagramMap::Words& words(const Datagram& datagram) {
    return words_[static_cast<size_t>(&datagram - datagrams_.get())];
  }
  Verdict hold(Datagram& datagram, Packet* fragment);
  void give_up(Datagram& datagram, DropReason reason, Output& out);
  void drop_held(Datagram& datagram, DropReason reason, Output& out);
  Packet* take_from(uint16_t& chain);
  void remove(Datagram& datagram);

  std::unique_ptr<Datagram[]> datagrams_;
  std::unique_ptr<DatagramMap::Words[]> words_;  // as datagrams_
  std::array<Index::bucket_type, 2 * kMostDatagrams> buckets_;
  Index index_;
  ByAge free_;
  ByAge undecided_;            // waiting for their first fragment, or refused; oldest first
  ByAge passing_;              // oldest first
  Datagram* first_ = nullptr;  // of the last kFirst
  std::array<Held, kMostHeld> held_;
  uint16_t free_held_ = kNone;
  uint16_t ready_ = kNone;
  Counter held_in_;
  Counter held_out_;
};

}  // namespace lapse
