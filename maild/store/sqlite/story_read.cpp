// Finding stories: blocks that cannot hold what is looked for are ruled out by their filters, the rest is read.
#include "common/base/limits.hpp"
#include "maild/store/story_rules.hpp"
#include "maild/store/sqlite/reads.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace mail::store::sqlite {
namespace {

#define MAIL_STORY_COLUMNS "sequence, id, at, ended, sender, recipients, message_id, subject, peer, missed, detail"

constexpr std::size_t most_looked = std::size_t{limit::story_scan};
/// Stories lie in the order of their commits; by how much their times may be out of that order.
constexpr Duration disorder = std::chrono::hours(1);
constexpr std::size_t blocks_at_once = 8; ///< that get their filters in one transaction

StoryEnd end_of(const Query& row) { return static_cast<StoryEnd>(row.integer(3)); }

Story story_of(const Query& row) {
    return {row.id(1),     row.time(2),   row.string(4), row.string(5), row.string(6), row.string(8),
            row.string(10), row.string(7), end_of(row),   row.string(9), row.integer(0)};
}

StoryView view_of_row(const Query& row) { return {row.text(4), row.text(5), row.text(6), row.text(7), end_of(row)}; }

class Search {
  public:
    Search(Database& db, const StoryFilter& filter) : db_(db), filter_(filter), keys_(keys_of(filter)) {}

    Result<StoryPage> run() {
        if (filter_.limit == 0)
            return page_;
        if (filter_.id) {
            MAIL_DO(look_up(*filter_.id));
        } else if (filter_.mark != StoryMark::none) {
            MAIL_DO(walk_events());
        } else {
            MAIL_DO(walk_stories());
        }
        return std::move(page_);
    }

  private:
    /// Keeps the row if it is wanted; false: enough.
    bool take(const Query& row) {
        if (wants(filter_, row.time(2), view_of_row(row)))
            page_.stories.push_back(story_of(row));
        return ++looked_ < most_looked && page_.stories.size() < filter_.limit;
    }

    Result<void> look_up(const Id& id) {
        Query query(db_, "SELECT " MAIL_STORY_COLUMNS " FROM story WHERE id = ? ORDER BY sequence DESC");
        query.bind(id);
        for (;;) {
            MAIL_TRY(const bool row, query.step());
            if (!row || !take(query))
                return {};
        }
    }

    /// Newest first; false: enough.
    Result<bool> scan(std::int64_t first, std::int64_t last) {
        Query query(db_, "SELECT " MAIL_STORY_COLUMNS " FROM story WHERE sequence BETWEEN ? AND ? ORDER BY sequence DESC");
        query.bind(first).bind(last);
        for (;;) {
            MAIL_TRY(const bool row, query.step());
            if (!row)
                return true;
            if (filter_.since && query.time(2) + disorder < *filter_.since)
                return false;
            if (!take(query)) {
                page_.next = query.integer(0);
                return false;
            }
        }
    }

    Result<void> walk_stories() {
        const std::int64_t newest = filter_.before > 0 ? filter_.before - 1 : std::numeric_limits<std::int64_t>::max();
        MAIL_TRY(const std::int64_t covered, db_.integer("SELECT coalesce(max(last), 0) FROM story_block"));
        if (newest > covered) {
            MAIL_TRY(const bool more, scan(covered + 1, newest));
            if (!more)
                return {};
        }
        Query block(db_, "SELECT last, first, first_at, last_at, filter FROM story_block WHERE first <= ? ORDER BY last DESC");
        block.bind(newest);
        for (;;) {
            MAIL_TRY(const bool row, block.step());
            if (!row || (filter_.since && block.time(3) + disorder < *filter_.since))
                return {};
            if ((filter_.until && block.time(2) > *filter_.until) || !may_hold(block.text(4), keys_))
                continue;
            MAIL_TRY(const bool more, scan(block.integer(1), std::min(block.integer(0), newest)));
            if (!more)
                return {};
        }
    }

    Result<void> walk_events() {
        Query event(db_, "SELECT sequence, message, at FROM story_event WHERE mark = ? AND sequence < ? ORDER BY sequence DESC");
        event.bind(static_cast<int>(filter_.mark));
        event.bind(filter_.before > 0 ? filter_.before : std::numeric_limits<std::int64_t>::max());
        std::set<Id> seen;
        while (page_.stories.size() < filter_.limit && looked_ < most_looked) {
            MAIL_TRY(const bool row, event.step());
            // An event is never older than its story.
            if (!row || (filter_.since && event.time(2) + disorder < *filter_.since)) {
                page_.next = 0;
                return {};
            }
            page_.next = event.integer(0);
            ++looked_;
            const Id message = event.id(1);
            if (!seen.insert(message).second)
                continue;
            MAIL_TRY(const bool counts, is_latest(message, event.integer(0)));
            if (counts) {
                MAIL_DO(look_up(message));
            }
        }
        return {};
    }

    /// A delivery that was put off says something only until the next attempt.
    Result<bool> is_latest(const Id& message, std::int64_t sequence) {
        if (filter_.mark != StoryMark::deferred)
            return true;
        Query query(db_, "SELECT max(sequence) FROM story_event WHERE message = ?");
        MAIL_TRY(const bool row, query.bind(message).step());
        return row && query.integer(0) == sequence;
    }

    Database& db_;
    const StoryFilter& filter_;
    std::vector<StoryKey> keys_;
    StoryPage page_;
    std::size_t looked_ = 0;
};

} // namespace

Result<StoryPage> find_stories(Database& db, const StoryFilter& filter) { return Search(db, filter).run(); }

Result<std::vector<StoryEvent>> read_story_events(Database& db, const Id& message, bool transcripts) {
    Query query(db, transcripts ? "SELECT e.sequence, e.at, e.mark, e.detail, t.transcript FROM story_event AS e LEFT JOIN "
                                  "story_transcript AS t ON t.event = e.sequence WHERE e.message = ? ORDER BY e.sequence DESC LIMIT ?"
                                : "SELECT e.sequence, e.at, e.mark, e.detail, t.event FROM story_event AS e LEFT JOIN "
                                  "story_transcript AS t ON t.event = e.sequence WHERE e.message = ? ORDER BY e.sequence DESC LIMIT ?");
    query.bind(message).bind(std::int64_t{limit::story_events});
    std::vector<StoryEvent> found;
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            break;
        StoryEvent event;
        event.message = message;
        event.sequence = query.integer(0);
        event.at = query.time(1);
        event.mark = static_cast<StoryMark>(query.integer(2));
        event.detail = query.string(3);
        event.has_transcript = !query.is_null(4);
        if (transcripts && event.has_transcript)
            event.transcript = std::make_shared<const std::string>(query.string(4));
        found.push_back(std::move(event));
    }
    std::reverse(found.begin(), found.end());
    return found;
}

Result<std::vector<StoryBlock>> next_blocks(Database& db) {
    std::vector<StoryBlock> blocks;
    MAIL_TRY(const std::int64_t covered, db.integer("SELECT coalesce(max(last), 0) FROM story_block"));
    MAIL_TRY(const std::int64_t newest, db.integer("SELECT coalesce(max(sequence), 0) FROM story"));
    if (newest < covered + static_cast<std::int64_t>(story_block)) // asked often, and nearly always the answer
        return blocks;
    Query query(db, "SELECT " MAIL_STORY_COLUMNS " FROM story WHERE sequence > ? ORDER BY sequence LIMIT ?");
    query.bind(covered).bind(std::uint64_t{story_block * blocks_at_once});
    StoryBlock block;
    std::vector<StoryKey> keys;
    for (std::size_t count = 1;; ++count) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return blocks; // what is not a whole block waits for the rest of it
        const Story story = story_of(query);
        if (block.first == 0) {
            block.first = story.sequence;
            block.first_at = block.last_at = story.at;
        }
        block.last = story.sequence;
        block.first_at = std::min(block.first_at, story.at);
        block.last_at = std::max(block.last_at, story.at);
        block.bytes += bytes_of(story);
        add_keys(keys, story);
        if (count % story_block != 0)
            continue;
        block.filter = make_bloom(std::exchange(keys, {}));
        blocks.push_back(std::exchange(block, {}));
    }
}

Result<StoryStats> read_story_stats(Database& db) {
    Query query(db, "SELECT (SELECT coalesce(max(sequence) - min(sequence) + 1, 0) FROM story), "
                    "(SELECT coalesce(max(sequence) - min(sequence) + 1, 0) FROM story_event), "
                    "(SELECT coalesce(sum(bytes), 0) FROM story_block) + (SELECT coalesce(sum(bytes), 0) FROM story_event_use)");
    MAIL_TRY(const bool row, query.step());
    return row ? StoryStats{query.count(0), query.count(1), query.count(2)} : StoryStats{};
}

} // namespace mail::store::sqlite
