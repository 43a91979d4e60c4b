// Stories and events as rows. Accepting inserts one story; all else is beside the accept path, in slices.
#include "maild/store/story_rules.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

constexpr std::int64_t use_slice = 1000;

Result<void> insert_event(WriteContext& context, const StoryEvent& event) {
    Query insert(context.db, "INSERT INTO story_event (message, at, mark, detail) VALUES (?, ?, ?, ?) RETURNING sequence");
    insert.bind(event.message).bind(event.at).bind(static_cast<int>(event.mark)).bind(event.detail);
    MAIL_TRY(const bool row, insert.step());
    if (!row)
        return fail(ErrorCode::internal, "an event got no number");
    const std::int64_t sequence = insert.integer(0);
    MAIL_DO(insert.run());
    if (event.transcript && !event.transcript->empty()) {
        MAIL_DO(Query(context.db, "INSERT INTO story_transcript VALUES (?, ?)").bind(sequence).bind(*event.transcript).run());
    }
    Query use(context.db, "INSERT INTO story_event_use VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes");
    return use.bind(sequence / use_slice).bind(std::uint64_t{bytes_of(event)}).run();
}

/// Older than this goes: by age, or further when the bound on bytes is broken.
Result<Time> cut(WriteContext& context, Time before, std::uint64_t most_bytes) {
    if (most_bytes == 0)
        return before;
    MAIL_TRY(const std::int64_t used, context.db.integer("SELECT (SELECT coalesce(sum(bytes), 0) FROM story_block) + "
                                                         "(SELECT coalesce(sum(bytes), 0) FROM story_event_use)"));
    if (static_cast<std::uint64_t>(used) <= most_bytes)
        return before;
    // As many blocks of stories as are too much, or the oldest events where no block is complete.
    Query blocks(context.db, "SELECT last_at FROM (SELECT last, last_at, sum(bytes) OVER (ORDER BY last) - bytes AS before "
                             "FROM story_block) WHERE before < ? ORDER BY last DESC LIMIT 1");
    MAIL_TRY(const bool block, blocks.bind(static_cast<std::uint64_t>(used) - most_bytes).step());
    if (block)
        return std::max(before, blocks.time(0) + Duration(1));
    Query event(context.db, "SELECT at FROM story_event ORDER BY sequence LIMIT 1 OFFSET 1000");
    MAIL_TRY(const bool row, event.step());
    return row ? std::max(before, event.time(0)) : before;
}

/// Rows that a statement ending in RETURNING removed.
Result<std::size_t> removed(WriteContext& context, Query& query) {
    for (std::size_t count = 0;; ++count) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return count;
        context.touch();
    }
}

} // namespace

Result<void> insert_story(WriteContext& context, const Story& story, std::string_view missed) {
    Query insert(context.db, "INSERT INTO story (id, at, ended, sender, recipients, message_id, subject, peer, missed, detail) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    insert.bind(story.id).bind(story.at).bind(static_cast<int>(story.end)).bind(story.sender).bind(story.recipients);
    insert.bind(story.message_id).bind(story.subject).bind(story.peer).bind(missed).bind(story.detail);
    return insert.run();
}

Result<void> record_stories(WriteContext& context, const std::vector<Story>& stories, const std::vector<StoryEvent>& events) {
    if (stories.empty() && events.empty())
        return {};
    context.touch();
    for (const Story& story : stories) {
        MAIL_DO(insert_story(context, story, story.missed));
    }
    for (const StoryEvent& event : events) {
        MAIL_DO(insert_event(context, event));
    }
    return {};
}

Result<void> insert_blocks(WriteContext& context, const std::vector<StoryBlock>& blocks) {
    context.touch();
    for (const StoryBlock& block : blocks) {
        Query insert(context.db, "INSERT OR REPLACE INTO story_block VALUES (?, ?, ?, ?, ?, ?)");
        insert.bind(block.last).bind(block.first).bind(block.first_at).bind(block.last_at).bind(block.bytes);
        MAIL_DO(insert.blob(block.filter).run());
    }
    return {};
}

Result<std::size_t> purge_stories(WriteContext& context, const Maintenance& what, std::size_t most) {
    MAIL_TRY(const Time before, cut(context, what.stories_before, what.stories_bytes));
    // The newest row always stays: the next one gets its number by it.
    Query stories(context.db, "DELETE FROM story WHERE sequence IN (SELECT sequence FROM story ORDER BY sequence LIMIT ?) "
                              "AND at < ? AND sequence < (SELECT max(sequence) FROM story) RETURNING 1");
    stories.bind(std::uint64_t{most}).bind(before);
    MAIL_TRY(const std::size_t gone, removed(context, stories));
    Query events(context.db, "DELETE FROM story_event WHERE sequence IN (SELECT sequence FROM story_event ORDER BY sequence "
                             "LIMIT ?) AND at < ? AND sequence < (SELECT max(sequence) FROM story_event) RETURNING 1");
    events.bind(std::uint64_t{most}).bind(before);
    MAIL_TRY(const std::size_t gone_events, removed(context, events));
    if (gone != 0) {
        MAIL_DO(Query(context.db, "DELETE FROM story_block WHERE last < (SELECT min(sequence) FROM story)").run());
    }
    if (gone_events != 0) {
        MAIL_DO(Query(context.db, "DELETE FROM story_transcript WHERE event < (SELECT min(sequence) FROM story_event)").run());
        MAIL_DO(Query(context.db, "DELETE FROM story_event_use WHERE slice < (SELECT min(sequence) / 1000 FROM story_event)").run());
    }
    return std::max(gone, gone_events);
}

} // namespace mail::store::sqlite
