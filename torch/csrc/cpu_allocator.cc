// Memory of large tensors on the CPU, kept from one training step to the next.
//
// A step frees all that it made. malloc hands large blocks back to the system,
// which clears every page again at the next step, and keeps the rest in
// pieces. Here a freed block joins its free neighbours, and the smallest that
// is large enough serves the next tensor. Address space is taken in large
// segments of huge pages, which cost nothing until they are written.
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "gopet_torch.h"

namespace gopet {
namespace {

constexpr size_t kSmallestBlock = size_t{256} << 10;  // what is smaller is malloc's
constexpr size_t kPage = size_t{4} << 10;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kSegment = size_t{1} << 30;

size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

// Address space that begins with a huge page, or nullptr when there is none.
char *map_segment(size_t size) {
  if (size > size + kHugePage) return nullptr;
  void *start = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return nullptr;
  size_t address = reinterpret_cast<size_t>(start), aligned = round_up(address, kHugePage);
  char *segment = static_cast<char *>(start) + (aligned - address);
  if (aligned > address) munmap(start, aligned - address);
  munmap(segment + size, kHugePage - (aligned - address));
  madvise(segment, size, MADV_HUGEPAGE);  // where it is refused, small pages do
  return segment;
}

// Segments, each divided into blocks without a gap.
class BlockCache {
 public:
  // A block, or nullptr when the system gives no more.
  char *take(size_t size) {
    std::lock_guard<std::mutex> lock(mutex_);
    size = round_up(size, kPage);
    auto fit = free_.lower_bound({size, nullptr});
    if (fit == free_.end()) {
      if (!add_segment(size)) return nullptr;
      fit = free_.lower_bound({size, nullptr});
    }
    auto block = blocks_.find(fit->second);
    unset_free(block);
    size_t rest = block->second.size - size;
    if (rest > 0) {
      block->second.size = size;
      set_free(blocks_.emplace(block->first + size, Block{rest, block->second.segment}).first);
    }
    return block->first;
  }

  // Takes a block back; false when it is not of this cache.
  bool give(char *address) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto block = blocks_.find(address);
    if (block == blocks_.end()) return false;
    auto next = std::next(block);
    if (next != blocks_.end() && can_join(next, block)) join(block, next);
    if (block != blocks_.begin() && can_join(std::prev(block), block)) {
      auto previous = std::prev(block);
      unset_free(previous);
      join(previous, block);
      block = previous;
    }
    set_free(block);
    return true;
  }

  // Gives the memory of all free blocks back to the system.
  void release() {
    std::lock_guard<std::mutex> lock(mutex_);
    release_free();
  }

 private:
  struct Block {
    size_t size;
    char *segment;  // blocks of one segment can be joined
    bool free = false;
  };
  using Blocks = std::map<char *, Block>;

  void set_free(Blocks::iterator block) {
    block->second.free = true;
    free_.insert({block->second.size, block->first});
  }

  void unset_free(Blocks::iterator block) {
    block->second.free = false;
    free_.erase({block->second.size, block->first});
  }

  bool can_join(Blocks::iterator neighbour, Blocks::iterator block) {
    return neighbour->second.free && neighbour->second.segment == block->second.segment;
  }

  // Appends the block that follows.
  void join(Blocks::iterator block, Blocks::iterator next) {
    if (next->second.free) unset_free(next);
    block->second.size += next->second.size;
    blocks_.erase(next);
  }

  // Where address space is limited there may be enough for this block alone,
  // or only once idle segments are gone.
  bool add_segment(size_t size) {
    size_t least = round_up(size, kHugePage), wanted = std::max(least, kSegment);
    char *segment = map_segment(wanted);
    if (segment == nullptr) {
      release_free();
      wanted = least;
      segment = map_segment(wanted);
    }
    if (segment == nullptr) return false;
    set_free(blocks_.emplace(segment, Block{wanted, segment}).first);
    return true;
  }

  void release_free() {
    for (auto at = blocks_.begin(); at != blocks_.end();) {
      auto block = at++;
      if (!block->second.free) continue;
      bool alone = block->first == block->second.segment &&
                   (at == blocks_.end() || at->second.segment != block->second.segment);
      if (alone) {
        munmap(block->first, block->second.size);
        unset_free(block);
        blocks_.erase(block);
      } else {
        madvise(block->first, block->second.size, MADV_DONTNEED);
      }
    }
  }

  std::mutex mutex_;
  Blocks blocks_;                             // by address
  std::set<std::pair<size_t, char *>> free_;  // by size, then address
};

// Never destroyed: tensors of static life may be freed after it would be.
BlockCache &cache() {
  static BlockCache *const all = new BlockCache;
  return *all;
}

class CachingAllocator : public c10::Allocator {
 public:
  at::DataPtr allocate(size_t size) override {
    void *block = size < kSmallestBlock ? nullptr : cache().take(size);
    if (block == nullptr) block = c10::alloc_cpu(size);  // throws when there is no memory
    return {block, block, &free_block, at::kCPU};
  }

  // libtorch asks for scratch by way of it.
  at::DeleterFnPtr raw_deleter() const override { return &free_block; }

  void copy_data(void *to, const void *from, size_t size) const override {
    default_copy_data(to, from, size);
  }

 private:
  static void free_block(void *block) {
    if (!cache().give(static_cast<char *>(block))) c10::free_cpu(block);
  }
};

[[maybe_unused]] const bool installed = [] {
  c10::SetCPUAllocator(new CachingAllocator);
  return true;
}();

}  // namespace
}  // namespace gopet

void gt_empty_cache(void) noexcept { gopet::cache().release(); }
