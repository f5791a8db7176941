// Random operations on the flow table and on a model that a child could check: a std::map of living flows.
#include <map>
#include <optional>
#include <random>

#include "tests/flow/flow_bench.h"

namespace lapse::test {
namespace {

constexpr uint32_t kKeys = 120;
constexpr uint32_t kCapacity = 60;
constexpr TimeoutClass kClasses[] = {TimeoutClass::kTcpSyn, TimeoutClass::kTcpEstablished, TimeoutClass::kTcpClosing,
                                     TimeoutClass::kTcpClosed};

class Model final : public ExpiryListener {
 public:
  Model(unsigned seed, Comparator comparator, bool diligent)
      : random_(seed),
        comparator_(comparator),
        diligent_(diligent),
        bench_({.capacity = kCapacity, .comparator = comparator}) {}

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
      act();
    }
    bench_.quiescence.offline(kReader);
    move_clock(1'000'000'000);
    catch_up();
    EXPECT_EQ(bench_.table.live_count(), 0u);
    EXPECT_TRUE(flows_.empty());
    EXPECT_EQ(born_, killed_ + expired_);
    EXPECT_GT(killed_, 100u);
    EXPECT_GT(expired_, 100u);
  }

  // Every death is of a flow that the model has, over by now, and says when its timeout ran out.
  void on_expired(const FlowRef& flow, Tick expired) override {
    const auto found = flows_.find(key_of(flow.record->original()));
    ASSERT_NE(found, flows_.end()) << "told twice";
    EXPECT_EQ(found->second.id, flow.id);
    EXPECT_FALSE(alive(found->second)) << "killed early";
    EXPECT_EQ(expired, static_cast<Tick>(found->second.last_seen) + timeout(found->second));
    flows_.erase(found);
    ++expired_;
  }

 private:
  static constexpr Quiescence::Slot kReader{kMaxWorkers};

  struct Flow {
    FlowId id;
    uint64_t last_seen;
    TimeoutClass timeout_class;
    FiveTuple reply;
  };

  static uint32_t key_of(const FiveTuple& original) { return original.source_port.host() - 1024u; }
  Tick tick() const { return static_cast<Tick>(now_); }
  uint32_t timeout(const Flow& flow) const { return timeouts_.at(flow.timeout_class); }
  bool alive(const Flow& flow) const {
    const uint64_t idle = now_ - flow.last_seen;
    return comparator_ == Comparator::kAtLeast ? idle < timeout(flow) : idle <= timeout(flow);
  }
  const Flow* living(uint32_t n) const {
    const auto found = flows_.find(n);
    return found != flows_.end() && alive(found->second) ? &found->second : nullptr;
  }
  TimeoutClass any_class() { return kClasses[random_() % std::size(kClasses)]; }

  void set_timeout(TimeoutClass timeout_class, uint32_t milliseconds) {
    timeouts_[timeout_class] = milliseconds;
    bench_.table.timeouts().set(timeout_class, std::chrono::milliseconds(milliseconds));
  }

  void move_clock(uint64_t ticks) {
    now_ += ticks;
    if (diligent_) {
      catch_up();
    }
  }
  void catch_up() {
    while (bench_.table.advance(kWorker, tick(), 1000, *this) != 0) {
    }
  }

  void act() {
    switch (random_() % 32) {
      case 0:
        return set_timeout(any_class(), 1 + random_() % 400'000);
      case 1:
        bench_.quiescence.online(kReader);
        return;
      case 2:
      case 3:
        bench_.quiescence.offline(kReader);
        return;
      case 4:
        return move_clock(random_() % (random_() % 16 == 0 ? 800'000'000 : 500'000));
      case 5:
      case 6:
      case 7:
        return move_clock(random_() >> (8 + random_() % 24));
      case 8:
      case 9:
      case 10:
      case 11: {
        const size_t budget = 1 + random_() % 40;
        EXPECT_LE(bench_.table.advance(kWorker, tick(), budget, *this), budget);
        return;
      }
      default:
        return packet(random_() % kKeys);
    }
  }

  void packet(uint32_t n) {
    const FiveTuple key = nth(n);
    FlowRef flow = bench_.find(key);
    const bool found = flow && !bench_.table.is_over(flow, tick());
    const Flow* const expected = living(n);
    ASSERT_EQ(found, expected != nullptr) << "key " << n << " at " << now_;
    if (!found) {
      return open(n);
    }
    ASSERT_EQ(flow.id, expected->id);
    const FlowRef answer = bench_.find(expected->reply);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer.id, expected->id);
    EXPECT_EQ(answer.direction, Direction::kReply);
    use(n, flow);
  }

  void use(uint32_t n, FlowRef& flow) {
    Flow& known = flows_.at(n);
    switch (random_() % 8) {
      case 0:
        ASSERT_TRUE(bench_.table.kill(flow));
        ASSERT_FALSE(bench_.table.kill(flow));
        flows_.erase(n);
        ++killed_;
        return;
      case 1:
      case 2:
        known.timeout_class = any_class();
        ASSERT_TRUE(bench_.table.transition(flow, TcpState::kEstablished, known.timeout_class));
        return;
      default:
        bench_.table.stamp(flow, tick(), 0);
        known.last_seen = now_;
    }
  }

  // As a box does: the late flow in the way, if there is one, may be killed by put(); sometimes everything is taken
  // back.
  void open(uint32_t n) {
    FlowRef flow = bench_.table.open(kWorker, tick(), *this);
    if (!flow) {
      ASSERT_EQ(bench_.table.live_count(), kCapacity);
      if (diligent_) {
        for (const auto& [other, known] : flows_) {
          ASSERT_TRUE(alive(known)) << "refused, although key " << other << " is over";
        }
      }
      return;
    }
    const FiveTuple key = nth(n);
    const auto port = static_cast<uint16_t>(2000 + random_() % 200);
    flow.record->protocol = key.protocol;
    flow.record->scope = 0;
    flow.record->set_original(key);
    flow.record->set_reply(translated(key, port));
    bool taken = false;
    for (const auto& [other, known] : flows_) {
      taken |= alive(known) && known.reply == translated(key, port);
    }
    const uint64_t reply_hash = bench_.table.hash(flow.record->reply());
    const auto put = bench_.table.put(flow, Direction::kReply, reply_hash, tick(), *this);
    ASSERT_EQ(put == FlowTable::Put::kTaken, taken);
    if (taken || random_() % 8 == 0) {
      bench_.table.roll_back(flow);
      return;
    }
    ASSERT_EQ(bench_.table.put(flow, Direction::kOriginal, bench_.table.hash(key), tick(), *this),
              FlowTable::Put::kInserted);
    ASSERT_EQ(flows_.count(n), 0u);
    const TimeoutClass timeout_class = any_class();
    bench_.table.publish(flow, TcpState::kSynSent, timeout_class, tick());
    flows_[n] = {flow.id, now_, timeout_class, flow.record->reply()};
    ++born_;
    ASSERT_EQ(bench_.table.live_count(), flows_.size());
  }

  std::mt19937 random_;
  Comparator comparator_;
  bool diligent_;
  uint64_t now_ = 5'000'000'000;  // beyond 2^32 ticks, so that the table's time has wrapped
  FlowBench bench_;
  std::map<TimeoutClass, uint32_t> timeouts_ = {{TimeoutClass::kTcpSyn, 350'000},
                                                {TimeoutClass::kTcpEstablished, 350'000},
                                                {TimeoutClass::kTcpClosing, 350'000},
                                                {TimeoutClass::kTcpClosed, 350'000}};
  std::map<uint32_t, Flow> flows_;
  uint64_t born_ = 0, killed_ = 0, expired_ = 0;
};

class FlowTableModel : public testing::TestWithParam<unsigned> {};

TEST_P(FlowTableModel, AgreesWithAMap) {
  const unsigned seed = GetParam();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Model model(seed, seed % 2 == 0 ? Comparator::kAtLeast : Comparator::kMoreThan, seed % 4 < 2);
  model.run(20'000);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FlowTableModel, testing::Range(1u, 33u));

}  // namespace
}  // namespace lapse::test
