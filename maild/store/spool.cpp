// A spool on segments. Its bytes must end up in one piece although nobody knows how many come and others
// write to the same segment meanwhile: it grows in place while it is the last one, else it moves to a place
// twice as large.
#include "common/base/limits.hpp"
#include "common/crypto/checksum.hpp"
#include "maild/store/segments.hpp"
#include "maild/store/store.hpp"

#include <algorithm>

namespace mail::store {
namespace {

constexpr std::uint64_t first_region = std::uint64_t{256} << 10;
constexpr std::uint64_t copy_piece = std::uint64_t{1} << 20;

class SegmentSpool final : public Spool {
  public:
    SegmentSpool(std::shared_ptr<Segments> segments, Segments::Region region)
        : segments_(std::move(segments)), region_(region) {}
    SegmentSpool(const SegmentSpool&) = delete;
    SegmentSpool& operator=(const SegmentSpool&) = delete;
    ~SegmentSpool() override { segments_->abandon(region_); }

    Task<Result<void>> append(std::string_view bytes) override { co_return append_now(bytes); }

    Result<SpooledBytes> finish() override {
        const SpooledBytes done{region_.segment, region_.offset, length_, checksum_, region_.pin};
        Segments::Region rest{region_.segment, region_.offset + length_, region_.length - length_};
        if (!segments_->resize(region_, length_))
            segments_->abandon(rest);
        region_ = {};
        length_ = 0;
        checksum_ = 0;
        return done;
    }

  private:
    Result<void> append_now(std::string_view bytes) {
        if (length_ + bytes.size() > region_.length) {
            MAIL_DO(grow(length_ + bytes.size()));
        }
        MAIL_DO(segments_->write(region_, length_, bytes));
        checksum_ = crypto::crc32c(bytes, checksum_);
        length_ += bytes.size();
        return {};
    }

    Result<void> grow(std::uint64_t needed) {
        const std::uint64_t wanted = std::max({needed, region_.length * 2, first_region});
        if (region_.length != 0 && segments_->resize(region_, wanted))
            return {};
        MAIL_TRY(const Segments::Region larger, segments_->reserve(wanted));
        for (std::uint64_t done = 0; done < length_; done += copy_piece) {
            const std::uint64_t piece = std::min(copy_piece, length_ - done);
            auto bytes = segments_->read(region_.segment, region_.offset + done, piece);
            Result<void> copied =
                bytes ? segments_->write(larger, done, *bytes) : fail(std::move(bytes).error());
            if (!copied) {
                segments_->abandon(larger);
                return copied;
            }
        }
        segments_->abandon(region_);
        region_ = larger;
        return {};
    }

    std::shared_ptr<Segments> segments_;
    Segments::Region region_;
    std::uint64_t length_ = 0;
    std::uint32_t checksum_ = 0;
};

} // namespace

Result<std::unique_ptr<Spool>> make_spool(std::shared_ptr<Segments> segments, std::uint64_t size_hint) {
    const auto most = static_cast<std::uint64_t>(limit::message_bytes);
    const std::uint64_t first = size_hint == 0 ? first_region : std::min(size_hint, most);
    MAIL_TRY(const Segments::Region region, segments->reserve(first));
    return std::make_unique<SegmentSpool>(std::move(segments), region);
}

} // namespace mail::store
