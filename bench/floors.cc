// Rows that do as little as can be done, written for nothing but speed: each adds one thing to the row before it. The
// passes are the product's: the whole burst is looked at, then all its lines are prefetched, then used.
#include "bench/floors.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_malloc.h>

#include "bench/rows.h"
#include "dataplane/io/eal.h"

namespace lapse::bench {
namespace {

constexpr const char* kHeapName = "lapse_bench";
constexpr size_t kHeapPage = size_t{2} << 20;
constexpr uint32_t kChurned = 4096;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "lapse_bench: %s: %s\n", what, rte_strerror(rte_errno));
  std::exit(3);
}

using Keys = std::array<FiveTuple, kBurst>;

void count_lookups(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBurst));
}

// ---- beside the flow table ----

using Numbers = std::array<uint32_t, kBurst>;

void make_keys(const Floors& floors, RandomFlow& random, uint32_t first, Numbers& numbers, Keys& keys) {
  for (size_t i = 0; i < kBurst; ++i) {
    numbers[i] = random.next();
    keys[i] = floors.numbers().tuple(first + numbers[i]);
  }
  benchmark::ClobberMemory();
}

void keys_only(benchmark::State& state, Floors& floors) {
  RandomFlow random(floors.flows());
  Numbers numbers;
  Keys keys;
  benchmark::DoNotOptimize(&keys);
  for (auto _ : state) {
    make_keys(floors, random, 0, numbers, keys);
  }
  count_lookups(state);
}

void use(FloorRecord& record, uint32_t now) {
  record.last_seen = now;
}

void one_line(benchmark::State& state, Floors& floors) {
  RandomFlow random(floors.flows());
  Numbers numbers;
  Keys keys;
  benchmark::DoNotOptimize(&keys);
  uint32_t now = 0;
  for (auto _ : state) {
    make_keys(floors, random, 0, numbers, keys);
    for (const uint32_t n : numbers) {
      __builtin_prefetch(&floors.record(n));
    }
    ++now;
    for (const uint32_t n : numbers) {
      use(floors.record(n), now);
    }
  }
  count_lookups(state);
}

void two_lines(benchmark::State& state, Floors& floors) {
  RandomFlow random(floors.flows());
  Numbers numbers;
  Keys keys;
  benchmark::DoNotOptimize(&keys);
  uint32_t now = 0;
  for (auto _ : state) {
    make_keys(floors, random, 0, numbers, keys);
    for (const uint32_t n : numbers) {
      __builtin_prefetch(&floors.index_word(n));
    }
    std::array<FloorRecord*, kBurst> records;
    for (size_t i = 0; i < kBurst; ++i) {
      records[i] = &floors.record(static_cast<uint32_t>(floors.index_word(numbers[i])));
      __builtin_prefetch(records[i]);
    }
    ++now;
    for (FloorRecord* record : records) {
      use(*record, now);
    }
  }
  count_lookups(state);
}

// Bulk lookup of a burst: a bit for each key that is there, and what was stored with it.
uint64_t look_up(const rte_hash* table, const Keys& keys, std::array<void*, kBurst>& data) {
  std::array<const void*, kBurst> pointers;
  for (size_t i = 0; i < kBurst; ++i) {
    pointers[i] = &keys[i];
  }
  uint64_t hits = 0;
  rte_hash_lookup_bulk_data(table, pointers.data(), kBurst, &hits, data.data());
  return hits;
}

void use_hits(uint64_t hits, const std::array<void*, kBurst>& data, const auto& use_one) {
  for (size_t i = 0; i < kBurst; ++i) {
    if ((hits >> i & 1) != 0) {
      __builtin_prefetch(data[i]);
    }
  }
  for (size_t i = 0; i < kBurst; ++i) {
    if ((hits >> i & 1) != 0) {
      use_one(i, *static_cast<FloorRecord*>(data[i]));
    }
  }
}

void rte_hash_find(benchmark::State& state, Floors& floors, uint32_t first) {
  RandomFlow random(floors.flows());
  Numbers numbers;
  Keys keys;
  std::array<void*, kBurst> data;
  uint32_t now = 0;
  for (auto _ : state) {
    make_keys(floors, random, first, numbers, keys);
    const uint64_t hits = look_up(floors.hash_table(), keys, data);
    ++now;
    use_hits(hits, data, [now](size_t, FloorRecord& record) { use(record, now); });
  }
  count_lookups(state);
}

// As a NAT would have to: two keys a flow, and the line that they lead to.
void rte_hash_churn(benchmark::State& state, Floors& floors, bool measure_insert) {
  uint32_t next = floors.flows();
  rte_hash* const table = floors.hash_table();
  for (auto _ : state) {
    double start = thread_seconds();
    for (uint32_t n = 0; n < kChurned; ++n) {
      const FiveTuple key = floors.numbers().tuple(next + n);
      const FiveTuple reply = key.reversed();
      FloorRecord& record = floors.record(n);
      record = {key.source, key.source_port, n, 0};
      if (rte_hash_add_key_data(table, &key, &record) != 0 || rte_hash_add_key_data(table, &reply, &record) != 0) {
        state.SkipWithError("rte_hash is full");
        break;
      }
    }
    const double inserted = thread_seconds() - start;
    start = thread_seconds();
    for (uint32_t n = 0; n < kChurned; ++n) {
      const FiveTuple key = floors.numbers().tuple(next + n);
      const FiveTuple reply = key.reversed();
      for (const FiveTuple* one : {&key, &reply}) {
        const int32_t position = rte_hash_del_key(table, one);
        if (position >= 0) {
          rte_hash_free_key_with_position(table, position);
        }
      }
    }
    state.SetIterationTime(measure_insert ? inserted : thread_seconds() - start);
    next += kChurned;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kChurned));
}

// ---- beside the pipeline ----

constexpr uint16_t kEtherTypeIpv4Raw = be16(0x0800).raw();
constexpr Be32 kNewAddress = be32(0xc6336407);

template <typename Value>
Value load(const uint8_t* at) {
  Value value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}
template <typename Value>
void store(uint8_t* at, Value value) {
  std::memcpy(at, &value, sizeof(value));
}

// The tuple of a plain TCP over IPv4 frame; false for any other.
bool read_tuple(const Packet& packet, FiveTuple& tuple) {
  const uint8_t* const frame = packet.data;
  const uint8_t* const ip = frame + kIpv4Offset;
  if (packet.length < kTcpOffset + 20 || load<uint16_t>(frame + 12) != kEtherTypeIpv4Raw || ip[0] != 0x45 ||
      (load<uint16_t>(ip + 6) & be16(0x3fff).raw()) != 0 || ip[9] != static_cast<uint8_t>(Protocol::kTcp)) {
    return false;
  }
  std::memcpy(static_cast<void*>(&tuple), ip + 12, 12);
  tuple.protocol = ip[9];
  tuple.scope = 0;
  tuple.reserved = 0;
  return true;
}

uint32_t flow_number(const Packet& packet) {
  return load<uint32_t>(packet.data + kFlowOffset);
}

// RFC 1624 equation 3 with all that is replaced summed up in 'delta'.
void update_checksum(uint8_t* at, uint32_t delta) {
  uint32_t sum = static_cast<uint16_t>(~load<uint16_t>(at)) + delta;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  store(at, static_cast<uint16_t>(~sum));
}

void rewrite_source(Packet& packet, Be32 address, Be16 port) {
  uint8_t* const ip = packet.data + kIpv4Offset;
  uint8_t* const tcp = packet.data + kTcpOffset;
  const uint32_t before = ~load<uint32_t>(ip + 12);
  const uint32_t after = address.raw();
  const uint32_t addresses = (before & 0xffff) + (before >> 16) + (after & 0xffff) + (after >> 16);
  const uint32_t ports = static_cast<uint16_t>(~load<uint16_t>(tcp)) + uint32_t{port.raw()};
  update_checksum(ip + 10, addresses);
  update_checksum(tcp + 16, addresses + ports);
  store(ip + 12, address);
  store(tcp, port);
}

// Receives bursts of 'nat's frames, lets 'work' do something to them, and sends them.
template <typename Work>
void forward(benchmark::State& state, FilledNat& nat, Work&& work) {
  Port& in = nat.inside();
  Port& out = nat.outside();
  nat.inside().play(&nat.outbound());
  for (auto _ : state) {
    std::array<Packet*, kBurst> burst;
    size_t unusable = 0;
    in.receive(0, burst, unusable);
    work(burst);
    out.transmit(0, burst);
  }
  nat.inside().play(nullptr);
  count_lookups(state);
}
using Burst = std::array<Packet*, kBurst>;

void packets_only(benchmark::State& state, FilledNat& nat) {
  forward(state, nat, [](const Burst&) {});
}

void packets_stateless(benchmark::State& state, FilledNat& nat) {
  forward(state, nat, [](const Burst& burst) {
    for (Packet* packet : burst) {
      if (FiveTuple tuple; read_tuple(*packet, tuple)) {
        rewrite_source(*packet, kNewAddress, Be16::from_raw(tuple.source_port.raw() ^ 0x5555));
      }
    }
  });
}

void translate(Packet& packet, FloorRecord& record) {
  ++record.packets;
  rewrite_source(packet, record.address, record.port);
}

void packets_one_line(benchmark::State& state, Floors& floors, FilledNat& nat) {
  forward(state, nat, [&](const Burst& burst) {
    std::array<FiveTuple, kBurst> tuples;
    std::array<FloorRecord*, kBurst> records;
    for (size_t i = 0; i < kBurst; ++i) {
      records[i] = read_tuple(*burst[i], tuples[i]) ? &floors.record(flow_number(*burst[i])) : nullptr;
      __builtin_prefetch(records[i]);
    }
    for (size_t i = 0; i < kBurst; ++i) {
      if (records[i] != nullptr) {
        translate(*burst[i], *records[i]);
      }
    }
  });
}

void packets_two_lines(benchmark::State& state, Floors& floors, FilledNat& nat) {
  forward(state, nat, [&](const Burst& burst) {
    std::array<FiveTuple, kBurst> tuples;
    std::array<const uint64_t*, kBurst> words;
    std::array<FloorRecord*, kBurst> records;
    for (size_t i = 0; i < kBurst; ++i) {
      words[i] = read_tuple(*burst[i], tuples[i]) ? &floors.index_word(flow_number(*burst[i])) : nullptr;
      __builtin_prefetch(words[i]);
    }
    for (size_t i = 0; i < kBurst; ++i) {
      records[i] = words[i] != nullptr ? &floors.record(static_cast<uint32_t>(*words[i])) : nullptr;
      __builtin_prefetch(records[i]);
    }
    for (size_t i = 0; i < kBurst; ++i) {
      if (records[i] != nullptr) {
        translate(*burst[i], *records[i]);
      }
    }
  });
}

void packets_rte_hash(benchmark::State& state, Floors& floors, FilledNat& nat) {
  forward(state, nat, [&](const Burst& burst) {
    Keys keys;
    std::array<void*, kBurst> data;
    for (size_t i = 0; i < kBurst; ++i) {
      read_tuple(*burst[i], keys[i]);
    }
    const uint64_t hits = look_up(floors.hash_table(), keys, data);
    use_hits(hits, data, [&](size_t i, FloorRecord& record) { translate(*burst[i], record); });
  });
}

}  // namespace

void start_dpdk() {
  std::string directory = std::filesystem::temp_directory_path() / "lapse_bench.XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    std::fprintf(stderr, "lapse_bench: no folder can be made in %s\n", directory.c_str());
    std::exit(3);
  }
  const auto started = io::start_eal({.devices = {}, .runtime_directory = directory, .memory_mebibytes = 64});
  std::filesystem::remove_all(directory);
  if (!started.ok()) {
    std::fprintf(stderr, "lapse_bench: %s\n", started.ToString().c_str());
    std::exit(3);
  }
}

RteHeap::RteHeap(size_t bytes) : memory_(bytes) {
  if (rte_malloc_heap_create(kHeapName) != 0 ||
      rte_malloc_heap_memory_add(kHeapName, memory_.data(), memory_.bytes(), nullptr, 0, kHeapPage) != 0) {
    fail("DPDK does not take memory of ours");
  }
}

RteHeap::~RteHeap() {
  rte_malloc_heap_memory_remove(kHeapName, memory_.data(), memory_.bytes());
  rte_malloc_heap_destroy(kHeapName);
}

int RteHeap::socket() const {
  return rte_malloc_heap_get_socket(kHeapName);
}

Floors::Floors(uint32_t flows)
    : flows_(flows),
      numbers_(flows),
      records_(flows),
      index_(flows * kWordsPerFlow),
      heap_(flows * size_t{128} + (64 << 20)) {
  rte_hash_parameters parameters{};
  parameters.name = "flows";
  parameters.entries = capacity_for(flows);
  parameters.key_len = sizeof(FiveTuple);
  parameters.socket_id = heap_.socket();
  parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF;
  hash_table_ = rte_hash_create(&parameters);
  if (hash_table_ == nullptr) {
    fail("rte_hash was not made");
  }
  for (uint32_t n = 0; n < flows; ++n) {
    const FiveTuple key = numbers_.tuple(n);
    records_[n] = {kNewAddress, key.source_port, 0, 0};
    const_cast<uint64_t&>(index_word(n)) = n;
    if (rte_hash_add_key_data(hash_table_, &key, &records_[n]) != 0) {
      fail("rte_hash took not all flows");
    }
  }
}

Floors::~Floors() {
  rte_hash_free(hash_table_);
}

void add_table_floors(Rows& rows, Floors& floors) {
  rows.push_back({kKeysOnly, [&](benchmark::State& state) { keys_only(state, floors); }});
  rows.push_back({kOneLine, [&](benchmark::State& state) { one_line(state, floors); }});
  rows.push_back({kTwoLines, [&](benchmark::State& state) { two_lines(state, floors); }});
  rows.push_back({kRteHashFind, [&](benchmark::State& state) { rte_hash_find(state, floors, 0); }});
  rows.push_back({kRteHashMiss, [&](benchmark::State& state) { rte_hash_find(state, floors, kUnknown); }});
  rows.push_back(
      {kRteHashInsert, [&](benchmark::State& state) { rte_hash_churn(state, floors, true); }, {}, 0, Timing::kByRow});
  rows.push_back(
      {kRteHashRemove, [&](benchmark::State& state) { rte_hash_churn(state, floors, false); }, {}, 0, Timing::kByRow});
}

void add_pipeline_floors(Rows& rows, Floors& floors, FilledNat& nat) {
  rows.push_back({kPacketsOnly, [&](benchmark::State& state) { packets_only(state, nat); }});
  rows.push_back({kPacketsStateless, [&](benchmark::State& state) { packets_stateless(state, nat); }});
  rows.push_back({kPacketsOneLine, [&](benchmark::State& state) { packets_one_line(state, floors, nat); }});
  rows.push_back({kPacketsTwoLines, [&](benchmark::State& state) { packets_two_lines(state, floors, nat); }});
  rows.push_back({kPacketsRteHash, [&](benchmark::State& state) { packets_rte_hash(state, floors, nat); }});
}

}  // namespace lapse::bench
