// What is made once for a mask's index and kept for as long as the index lives.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <mutex>
#include <unordered_map>

namespace gopet {

template <typename Plan>
class IndexCache {
 public:
  // The plan kept for index, if it still fits; else what make returns, which is kept in its place.
  template <typename Fits, typename Make>
  std::shared_ptr<const Plan> get(const at::Tensor &index, Fits fits, Make make) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = kept_.find(index.unsafeGetTensorImpl());
    if (found != kept_.end() && !found->second.index.expired() &&
        found->second.version == index._version() && fits(*found->second.plan))
      return found->second.plan;
    std::shared_ptr<const Plan> plan = make();
    for (auto it = kept_.begin(); it != kept_.end();)
      it = it->second.index.expired() ? kept_.erase(it) : std::next(it);
    kept_.insert_or_assign(index.unsafeGetTensorImpl(),
                           Kept{c10::weak_intrusive_ptr<c10::TensorImpl>(index.getIntrusivePtr()),
                                static_cast<uint32_t>(index._version()), plan});
    return plan;
  }

 private:
  // The number of an index that has died may be given to another.
  struct Kept {
    c10::weak_intrusive_ptr<c10::TensorImpl> index;
    uint32_t version;
    std::shared_ptr<const Plan> plan;
  };

  std::mutex mutex_;
  std::unordered_map<c10::TensorImpl *, Kept> kept_;
};

}  // namespace gopet
