#include "dataplane/flow/mapped_memory.h"

#include <cassert>
#include <cstring>
#include <new>

#include <sys/mman.h>

namespace lapse {

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kLargePage = size_t{2} << 20;
// Below this a table fits the second-level TLB well enough, and touching one record should not cost 2 MiB.
constexpr size_t kWorthLargePages = size_t{8} << 20;

size_t round_up(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

void* map(size_t bytes, int flags) {
  return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

// Reserves more than is needed and gives the ends back.
void* map_aligned(size_t bytes) {
  void* const start = map(bytes + kLargePage, MAP_NORESERVE);
  if (start == MAP_FAILED) {
    return MAP_FAILED;
  }
  const auto address = reinterpret_cast<uintptr_t>(start);
  const uintptr_t aligned = round_up(address, kLargePage);
  if (aligned != address) {
    munmap(start, aligned - address);
  }
  munmap(reinterpret_cast<void*>(aligned + bytes), kLargePage - (aligned - address));
  return reinterpret_cast<void*>(aligned);
}

}  // namespace

MappedMemory::MappedMemory(size_t bytes) {
  assert(bytes > 0);
  if (bytes < kWorthLargePages) {
    bytes_ = round_up(bytes, kPage);
    data_ = map(bytes_, MAP_NORESERVE);
  } else {
    bytes_ = round_up(bytes, kLargePage);
    // Not MAP_NORESERVE: pages that are not there must be refused here, not by a SIGBUS later.
    data_ = map(bytes_, MAP_HUGETLB);
    if (data_ == MAP_FAILED) {
      data_ = map_aligned(bytes_);
      if (data_ != MAP_FAILED) {
        madvise(data_, bytes_, MADV_HUGEPAGE);
      }
    }
  }
  if (data_ == MAP_FAILED) {
    throw std::bad_alloc();
  }
}

MappedMemory::~MappedMemory() {
  munmap(data_, bytes_);
}

void MappedMemory::clear() {
  std::memset(data_, 0, bytes_);
}

}  // namespace lapse
