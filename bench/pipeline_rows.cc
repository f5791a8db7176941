// The whole way of a packet through a NAT gateway between two ports, one pass of the worker for each burst.
#include "bench/rows.h"

namespace lapse::bench {
namespace {

void pass(benchmark::State& state, FilledNat& nat, RingPort& from, const FrameStream& stream, const RingPort& to) {
  const uint64_t before = to.transmitted();
  from.play(&stream);
  for (auto _ : state) {
    nat.pass();
  }
  from.play(nullptr);
  if (to.transmitted() - before != state.iterations() * kBurst) {
    state.SkipWithError("packets were dropped");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBurst));
}

}  // namespace

void add_pipeline_rows(Rows& rows, FilledNat& nat) {
  const std::vector<std::string> versus{kPacketsStateless, kPacketsTwoLines, kPacketsRteHash};
  rows.push_back({"NAT, to the outside",
                  [&](benchmark::State& state) { pass(state, nat, nat.inside(), nat.outbound(), nat.outside()); },
                  versus, nat.bytes_a_flow()});
  rows.push_back({"NAT, replies",
                  [&](benchmark::State& state) { pass(state, nat, nat.outside(), nat.replies(), nat.inside()); },
                  versus, nat.bytes_a_flow()});
}

}  // namespace lapse::bench
