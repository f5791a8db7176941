// mapped_memory.h - zero-filled memory for large tables: mapped, aligned, on large pages where there are any.
//
// Owner:    whoever constructs it.
// Memory:   reserved in the constructor; a page costs nothing until it is touched. std::bad_alloc when it is refused.
// Time:     none.
// Bytes:    all zero at first.
// Cost:     one mmap; 2 MiB pages from 8 MiB on, transparent ones where none are set aside.
// Lifetime: unmapped by the destructor.
// Spec:     design, "The flow table": zero pages are an empty table.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lapse {

class MappedMemory {
 public:
  explicit MappedMemory(size_t bytes);
  ~MappedMemory();
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  void clear();

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

// 'T' is a type whose all-zero bytes are a valid value; nothing is constructed and nothing destroyed.
template <typename T>
class MappedArray {
 public:
  explicit MappedArray(size_t count) : memory_(count * sizeof(T)), items_(static_cast<T*>(memory_.data())) {}

  T& operator[](size_t index) const { return items_[index]; }
  size_t bytes() const { return memory_.bytes(); }
  void clear() { memory_.clear(); }

 private:
  MappedMemory memory_;
  T* items_;
};

}  // namespace lapse
