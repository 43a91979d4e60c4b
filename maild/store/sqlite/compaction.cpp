#include "maild/store/sqlite/compaction.hpp"

#include "common/base/log.hpp"
#include "common/crypto/checksum.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20;
constexpr std::size_t most_loaded = 200'000;   ///< messages of one segment that are listed at once
constexpr std::uint64_t busy_waiting = 64;     ///< with so many transactions waiting, mail goes first

/// Says that a turn is under way for as long as it lives.
class Busy {
  public:
    explicit Busy(std::atomic<bool>& flag) : flag_(flag) {}
    ~Busy() { flag_ = false; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

  private:
    std::atomic<bool>& flag_;
};

} // namespace

Task<Result<void>> Compaction::turn(Maintenance what, Maintained& done) {
    if (what.compact_percent == 0 || engine_.closed)
        co_return Result<void>{};
    if (engine_.writer->counts().waiting >= busy_waiting || busy_.exchange(true)) {
        done.more = true; // mail is at it, or somebody else
        co_return Result<void>{};
    }
    const Busy busy(busy_);
    MAIL_CO_TRY(auto work, co_await next_work(what));
    if (!work.empty()) {
        done.more = true;
        MAIL_CO_DO(co_await move(std::move(work), done));
    }
    co_return Result<void>{};
}

Task<Result<Compaction::Work>> Compaction::next_work(const Maintenance& what) {
    if (waiting_.empty()) {
        const unsigned percent = what.compact_percent;
        std::function<Result<Work>(Database&)> read = [this, percent](Database& db) -> Result<Work> {
            MAIL_TRY(in_hand_, choose(db, percent));
            return in_hand_ == 0 ? Result<Work>(Work{}) : load(db, in_hand_);
        };
        MAIL_CO_TRY(waiting_, co_await engine_.later<Work>(std::move(read)));
    }
    Work work;
    std::uint64_t bytes = 0;
    const auto most = static_cast<std::uint64_t>(limit::compact_turn_bytes);
    while (!waiting_.empty() && work.size() < std::max<std::size_t>(what.slice, 1) && bytes < most) {
        bytes += waiting_.back().length;
        work.push_back(waiting_.back());
        waiting_.pop_back();
    }
    co_return work;
}

// The one with the least in use first: it gives the most for the least.
Result<std::uint32_t> Compaction::choose(Database& db, unsigned percent) {
    Query query(db, "SELECT id FROM segment WHERE live_blobs > 0 AND live_bytes * 100 < used * ? AND id < (SELECT max(id) FROM "
                    "segment) ORDER BY live_bytes * 1000 / used, id");
    query.bind(percent);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return std::uint32_t{0};
        const auto segment = query.as<std::uint32_t>(0);
        if (!kept_.contains(segment) && engine_.segments->exists(segment) &&
            engine_.segments->is_sealed(segment, engine_.options.segment_quiet))
            return segment;
    }
}

// Walks all rows of blobs, once for a segment: an index for this would cost every message more than it spares here.
Result<Compaction::Work> Compaction::load(Database& db, std::uint32_t segment) {
    Work work;
    Query query(db, "SELECT id, segment, offset, length, checksum FROM blob WHERE segment = ? LIMIT ?");
    query.bind(segment).bind(std::uint64_t{most_loaded});
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            break;
        work.push_back({query.integer(0), query.as<std::uint32_t>(1), query.count(2), query.count(3),
                        query.as<std::uint32_t>(4)});
    }
    // As they lie on the disk, the first one at the end, where next_work() takes them.
    std::sort(work.begin(), work.end(), [](const BlobRef& a, const BlobRef& b) { return a.offset > b.offset; });
    return work;
}

Result<void> Compaction::room_for(const Work& work) const {
    std::uint64_t needed = engine_.options.reserve_bytes / 2; // the rest of the reserve is there for this
    for (const BlobRef& blob : work)
        needed += blob.length;
    if (free_bytes_of(engine_.directory.path()) < needed)
        return fail(ErrorCode::no_space, "the disk has no room to compact segments", "free disk space");
    return {};
}

void Compaction::report_damage(const BlobRef& blob) {
    kept_.insert(blob.segment);
    log(Event::store_damaged, {{"blob", blob.id}, {"segment", blob.segment}, {"offset", blob.offset}});
}

// nullopt: the bytes are damaged or gone.
Result<std::optional<SpooledBytes>> Compaction::copy(const BlobRef& blob) {
    Segments& segments = *engine_.segments;
    MAIL_TRY(const Segments::Region region, segments.reserve(blob.length));
    std::uint32_t checksum = 0;
    std::uint64_t done = 0;
    while (done < blob.length) {
        const auto bytes = segments.read(blob.segment, blob.offset + done, std::min(piece_bytes, blob.length - done));
        if (!bytes || bytes->empty())
            break;
        checksum = crypto::crc32c(*bytes, checksum);
        if (auto written = segments.write(region, done, *bytes); !written) {
            segments.abandon(region);
            return fail(std::move(written).error());
        }
        done += bytes->size();
    }
    if (done < blob.length || checksum != blob.checksum) {
        segments.abandon(region);
        return std::optional<SpooledBytes>();
    }
    return std::optional<SpooledBytes>({region.segment, region.offset, blob.length, checksum, region.pin});
}

Result<Compaction::Copied> Compaction::copy_all(const Work& work) {
    MAIL_DO(room_for(work));
    Copied all;
    for (const BlobRef& blob : work) {
        MAIL_TRY(auto bytes, copy(blob));
        if (bytes)
            all.copies.push_back({blob, std::move(*bytes)});
        else
            all.damaged.push_back(blob);
    }
    // Durable before any row says so. The writer's next sync finds nothing of this left to do.
    MAIL_DO(engine_.segments->sync());
    return all;
}

Task<Result<void>> Compaction::move(Work work, Maintained& done) {
    auto shared = std::make_shared<const Work>(std::move(work));
    std::function<Result<Copied>()> job = [this, shared] { return copy_all(*shared); };
    auto copied = co_await engine_.pool->run<Copied>(std::move(job));
    if (!copied) {
        waiting_.clear(); // they are still in the old place and found again
        Error error = std::move(copied).error();
        if (error.code == ErrorCode::internal) {
            engine_.writer->fail_for_good(error);
            error.code = ErrorCode::temporary;
        }
        co_return fail(std::move(error));
    }
    for (const BlobRef& blob : copied->damaged) {
        // Gone for good meanwhile, segment and all, is no damage.
        std::function<Result<bool>(Database&)> ask = [blob](Database& db) -> Result<bool> {
            Query query(db, "SELECT 1 FROM blob WHERE id = ? AND segment = ? AND offset = ?");
            return query.bind(blob.id).bind(blob.segment).bind(blob.offset).step();
        };
        MAIL_CO_TRY(const bool still_there, co_await engine_.later<bool>(std::move(ask)));
        if (still_there) {
            report_damage(blob);
            ++done.damaged;
        }
    }
    auto copies = std::make_shared<const std::vector<Copy>>(std::move(copied->copies));
    std::function<Result<std::vector<bool>>(WriteContext&)> body = [copies](WriteContext& context) -> Result<std::vector<bool>> {
        std::vector<bool> moved;
        for (const Copy& copy : *copies) {
            MAIL_TRY(const bool one, context.move_blob(copy.from, copy.to));
            moved.push_back(one);
        }
        return moved;
    };
    auto moved = co_await engine_.writer->run<std::vector<bool>>(std::move(body));
    if (!moved)
        waiting_.clear();
    for (std::size_t i = 0; i < copies->size(); ++i) {
        const Copy& copy = (*copies)[i];
        if (moved && (*moved)[i]) {
            ++done.moved;
            done.moved_bytes += copy.from.length;
        } else {
            engine_.segments->abandon({copy.to.segment, copy.to.offset, copy.to.length, nullptr});
        }
    }
    if (!moved)
        co_return fail(moved.error());
    co_return Result<void>{};
}

} // namespace mail::store::sqlite
