#include "maild/store/memory/text_index.hpp"

#include <map>
#include <mutex>

namespace mail::store {
namespace {

class MemoryTextIndex final : public TextIndex {
  public:
    BlobId indexed() const override { return stats().indexed; }

    Result<void> put(const std::vector<IndexedText>& texts, BlobId up_to) override {
        const std::lock_guard lock(mutex_);
        for (const auto& text : texts)
            texts_[text.blob] = text;
        indexed_ = up_to;
        return {};
    }

    Result<TextHits> find(std::string_view wanted) override {
        if (!can_find(wanted))
            return fail(ErrorCode::unsupported, "this text cannot be looked up");
        const std::lock_guard lock(mutex_);
        TextHits hits{indexed_, false, {}};
        for (const auto& [blob, text] : texts_)
            if (!text.complete || text.text.find(wanted) != std::string::npos)
                hits.blobs.push_back(blob);
        return hits;
    }

    Result<void> clear() override {
        const std::lock_guard lock(mutex_);
        texts_.clear();
        indexed_ = 0;
        return {};
    }

    Result<void> belong_to(std::string_view tag) override {
        if (tag != tag_) {
            MAIL_DO(clear());
        }
        tag_ = std::string(tag);
        return {};
    }

    TextIndexStats stats() const override {
        const std::lock_guard lock(mutex_);
        return {.indexed = indexed_, .messages = texts_.size()};
    }

  private:
    mutable std::mutex mutex_;
    std::map<BlobId, IndexedText> texts_;
    BlobId indexed_ = 0;
    std::string tag_;
};

} // namespace

std::unique_ptr<TextIndex> make_memory_text_index() { return std::make_unique<MemoryTextIndex>(); }

} // namespace mail::store
