#include "maild/store/sqlite/text_index.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "maild/store/sqlite/database.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>

namespace mail::store {
namespace {

using sqlite::Database;
using sqlite::Query;

constexpr std::int64_t version = 1; // of the schema and of what is indexed; another one is thrown away
constexpr std::uint64_t page_bytes = 4096;
constexpr std::size_t most_trigrams = 24; // of one text: more narrow no further

// Contentless: only the postings are kept. detail=none leaves positions out, which makes the file a third as large; a
// text is then looked up as the conjunction of its trigrams, and the caller verifies. Rows of blobs that are gone stay
// until the index is made anew: they match nothing that a folder holds.
constexpr auto schema = "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), indexed INTEGER NOT NULL,"
                        " messages INTEGER NOT NULL, tag TEXT NOT NULL);"
                        "INSERT INTO state VALUES (1, 0, 0, '');"
                        "CREATE TABLE incomplete (blob INTEGER PRIMARY KEY);"
                        "CREATE VIRTUAL TABLE posting USING fts5(text, content='', detail=none, columnsize=0,"
                        " tokenize='trigram case_sensitive 1');";

class SqliteTextIndex final : public TextIndex {
  public:
    SqliteTextIndex(std::string path, std::uint64_t most_bytes) : path_(std::move(path)), most_bytes_(most_bytes) {}

    BlobId indexed() const override {
        const std::lock_guard lock(stats_mutex_);
        return stats_.indexed;
    }
    Result<void> put(const std::vector<IndexedText>& texts, BlobId up_to) override;
    Result<TextHits> find(std::string_view text) override;
    Result<void> clear() override;
    Result<void> belong_to(std::string_view tag) override;
    TextIndexStats stats() const override;

  private:
    // Under both mutexes:
    Result<void> connect();
    Result<void> create();
    void disconnect();
    Result<void> remake(std::string_view tag);
    Result<void> read_state();
    Result<void> write(const std::vector<IndexedText>& texts, BlobId up_to);
    Result<TextHits> look_up(std::string_view text);
    Result<void> add_incomplete(TextHits& hits);

    const std::string path_;
    const std::uint64_t most_bytes_;
    std::mutex write_mutex_; ///< guards writer_; taken before read_mutex_
    std::mutex read_mutex_;  ///< guards reader_
    mutable std::mutex stats_mutex_;
    std::unique_ptr<Database> writer_;
    std::unique_ptr<Database> reader_;
    std::string tag_;
    std::atomic<bool> damaged_ = false; ///< a lookup has seen it: the next put() fails, so that it is made anew
    TextIndexStats stats_;
};

Result<void> SqliteTextIndex::connect() {
    MAIL_TRY(writer_, Database::open(path_, Database::Mode::write));
    // One sync for each put: the file layer holds writes to the log back until then, and the reader needs them.
    MAIL_DO(writer_->execute("PRAGMA wal_autocheckpoint=1000; PRAGMA journal_size_limit=16777216;"
                             "PRAGMA max_page_count=" +
                             std::to_string(std::max<std::uint64_t>(most_bytes_ / page_bytes, 64))));
    MAIL_TRY(const auto found, writer_->integer("PRAGMA user_version"));
    if (found != version) {
        MAIL_TRY(const auto tables, writer_->integer("SELECT count(*) FROM sqlite_master"));
        if (tables != 0)
            return fail(ErrorCode::unsupported, "the text index is of another version");
        MAIL_DO(create());
    }
    MAIL_DO(read_state());
    MAIL_TRY(reader_, Database::open(path_, Database::Mode::read));
    return {};
}

Result<void> SqliteTextIndex::create() {
    return writer_->execute("BEGIN IMMEDIATE; " + std::string(schema) + "PRAGMA user_version=" + std::to_string(version) +
                            "; COMMIT");
}

Result<void> SqliteTextIndex::read_state() {
    Query query(*writer_, "SELECT indexed, messages, tag FROM state WHERE id = 1");
    MAIL_TRY(const bool row, query.step());
    if (!row)
        return fail(ErrorCode::internal, "the text index has no state");
    const std::lock_guard lock(stats_mutex_);
    stats_.indexed = query.integer(0);
    stats_.messages = query.count(1);
    tag_ = query.string(2);
    return {};
}

void SqliteTextIndex::disconnect() {
    writer_.reset();
    reader_.reset();
    damaged_ = false;
    const std::lock_guard lock(stats_mutex_);
    stats_.indexed = 0;
    stats_.messages = 0;
}

Result<void> SqliteTextIndex::remake(std::string_view tag) {
    disconnect();
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
        std::filesystem::remove(path_ + suffix, ignored);
    auto made = connect();
    if (made)
        made = Query(*writer_, "UPDATE state SET tag = ?").bind(tag).run();
    if (!made)
        disconnect();
    tag_ = std::string(tag);
    return made;
}

Result<void> SqliteTextIndex::clear() {
    const std::scoped_lock lock(write_mutex_, read_mutex_);
    const auto tag = tag_;
    return remake(tag);
}

Result<void> SqliteTextIndex::belong_to(std::string_view tag) {
    const std::scoped_lock lock(write_mutex_, read_mutex_);
    if (!writer_) {
        if (const auto opened = connect(); !opened) {
            const auto code = opened.error().code;
            if (code == ErrorCode::no_space || code == ErrorCode::temporary) {
                disconnect();
                return opened;
            }
            log(Event::text_index_dropped, {{"reason", opened.error().message}});
            return remake(tag);
        }
    }
    return tag_ == tag ? Result<void>{} : remake(tag);
}

Result<void> SqliteTextIndex::write(const std::vector<IndexedText>& texts, BlobId up_to) {
    MAIL_DO(writer_->execute("BEGIN IMMEDIATE"));
    for (const auto& text : texts) {
        MAIL_DO(Query(*writer_, "INSERT INTO posting (rowid, text) VALUES (?, ?)").bind(text.blob).bind(text.text).run());
        if (!text.complete) {
            MAIL_DO(Query(*writer_, "INSERT OR IGNORE INTO incomplete VALUES (?)").bind(text.blob).run());
        }
    }
    MAIL_DO(Query(*writer_, "UPDATE state SET indexed = ?, messages = messages + ?")
                .bind(up_to).bind(std::uint64_t{texts.size()}).run());
    return writer_->execute("COMMIT");
}

Result<void> SqliteTextIndex::put(const std::vector<IndexedText>& texts, BlobId up_to) {
    const std::lock_guard lock(write_mutex_);
    if (!writer_)
        return fail(ErrorCode::internal, "the text index is not open");
    if (damaged_)
        return fail(ErrorCode::internal, "the text index is damaged");
    if (auto written = write(texts, up_to); !written) {
        writer_->rollback();
        return written;
    }
    const std::lock_guard stats_lock(stats_mutex_);
    stats_.indexed = up_to;
    stats_.messages += texts.size();
    return {};
}

Result<void> SqliteTextIndex::add_incomplete(TextHits& hits) {
    Query query(*reader_, "SELECT blob FROM incomplete");
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return {};
        hits.blobs.push_back(query.integer(0));
    }
}

// In one read transaction, so that the answer covers exactly what it says.
Result<TextHits> SqliteTextIndex::look_up(std::string_view text) {
    TextHits hits;
    MAIL_DO(reader_->execute("BEGIN"));
    MAIL_TRY(hits.indexed, reader_->integer("SELECT indexed FROM state"));
    std::string match;
    for (const auto part : trigrams(text, most_trigrams)) {
        match += match.empty() ? "\"" : " AND \"";
        for (const char c : part) {
            if (c == '"')
                match += c;
            match += c;
        }
        match += '"';
    }
    const auto most = static_cast<std::size_t>(limit::text_index_hits);
    Query query(*reader_, "SELECT rowid FROM posting WHERE posting MATCH ? LIMIT ?");
    query.bind(match).bind(std::uint64_t{most + 1});
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            break;
        hits.blobs.push_back(query.integer(0));
    }
    hits.too_many = hits.blobs.size() > most;
    MAIL_DO(add_incomplete(hits));
    std::sort(hits.blobs.begin(), hits.blobs.end());
    return hits;
}

Result<TextHits> SqliteTextIndex::find(std::string_view text) {
    if (!can_find(text))
        return fail(ErrorCode::unsupported, "this text cannot be looked up");
    const std::lock_guard lock(read_mutex_);
    if (!reader_)
        return fail(ErrorCode::temporary, "the text index is not open");
    auto hits = look_up(text);
    reader_->rollback();
    damaged_ = damaged_ || reader_->fatal();
    const std::lock_guard stats_lock(stats_mutex_);
    ++(hits ? stats_.lookups : stats_.failures);
    return hits;
}

TextIndexStats SqliteTextIndex::stats() const {
    std::error_code unknown;
    const auto size = std::filesystem::file_size(path_, unknown);
    const std::lock_guard lock(stats_mutex_);
    auto out = stats_;
    out.bytes = unknown ? 0 : size;
    return out;
}

} // namespace

std::unique_ptr<TextIndex> make_text_index(const std::string& directory, std::uint64_t most_bytes) {
    return std::make_unique<SqliteTextIndex>(directory + "/text.db", most_bytes);
}

} // namespace mail::store
