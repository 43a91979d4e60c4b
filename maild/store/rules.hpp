// Rules of the store that every engine shares, so that all of them answer alike: default folders, flags and
// keywords, UID sets, names of folders below a folder, and the meaning of a queue filter. Pure functions, no
// I/O, thread-safe. Used by store/memory and store/sqlite.
#pragma once

#include "maild/store/queue_model.hpp"

#include <map>
#include <span>

namespace mail::store {

/// Folders every new account gets, in this order; the first is the INBOX.
struct DefaultFolder {
    std::string_view name;
    SpecialUse special_use;
};
[[nodiscard]] std::span<const DefaultFolder> default_folders() noexcept;

/// `set` ascending and not overlapping.
[[nodiscard]] bool contains(const UidSet& set, Uid uid) noexcept;

/// Ascending UIDs as ranges.
[[nodiscard]] UidSet ranges_of(std::span<const Uid> uids);
/// The UIDs below `end` that are not among `present`, which ascend.
[[nodiscard]] UidSet missing_uids(std::span<const Uid> present, Uid end);

/// `name` lies below `parent` ("a/b" below "a").
[[nodiscard]] bool is_below(std::string_view name, std::string_view parent) noexcept;

/// The keywords given, without repetition (ASCII case ignored, first form kept), sorted, separated by one
/// space.
[[nodiscard]] std::string join_keywords(const std::vector<std::string>& keywords);
[[nodiscard]] std::vector<std::string> split_keywords(std::string_view keywords);

/// Flags and keywords of an item after `change`.
struct FlagState {
    std::uint8_t flags = 0;
    std::string keywords;
    bool operator==(const FlagState&) const = default;
};
[[nodiscard]] FlagState apply_flags(const FlagState& before, const FlagChange& change);

/// A QueueFilter whose conditions were understood.
struct CheckedFilter {
    enum class Field : std::uint8_t {
        id,
        message,
        sender,
        recipient,
        domain,
        status,
        attempts,
        route,
        message_id,
        error,
        error_code,
        remote,
        priority,
        size,
        created,
        next_attempt,
        expires
    };
    struct Condition {
        Field field{};
        char operation = '='; ///< = ! ~ < >
        std::string text;     ///< for text fields; the 16 raw bytes for message
        std::int64_t number = 0;
    };
    std::vector<Condition> conditions;
    std::vector<QueueId> ids; ///< ascending, without repetition
    QueueId after = 0;
    std::size_t limit = 0;
    Field sort = Field::id;
    bool descending = false;
};
/// Errors: invalid (unknown field, operation that does not fit it, value that cannot be read), too_large.
[[nodiscard]] Result<CheckedFilter> check_filter(const QueueFilter& filter, Time now);
[[nodiscard]] bool is_text(CheckedFilter::Field field) noexcept;
[[nodiscard]] bool matches(const CheckedFilter& filter, const QueueItem& item);
/// Whether `a` comes before `b` in the order that the filter asks for.
[[nodiscard]] bool is_before(const CheckedFilter& filter, const QueueItem& a, const QueueItem& b);
/// ASCII case ignored; '*' stands for any bytes. Without any '*' the pattern may stand anywhere in `text`.
[[nodiscard]] bool matches_pattern(std::string_view text, std::string_view pattern) noexcept;
[[nodiscard]] std::string_view name_of(QueueStatus status) noexcept;
/// The group of an item, and the place of its age in QueueSummary::ages.
[[nodiscard]] std::string group_key(const QueueItem& item, QueueGroup group, Time now);
[[nodiscard]] std::size_t age_place(Duration age) noexcept;
/// "5m": younger than that and older than the place before; "older" for the last.
[[nodiscard]] std::string_view age_name(std::size_t place) noexcept;
/// Counts items into groups.
class QueueSummarizer {
  public:
    explicit QueueSummarizer(Time now) : now_(now) {}
    struct Row {
        std::string_view key;
        QueueStatus status{};
        std::uint64_t bytes = 0;
        Time created{};
        Time next{};
        std::string_view error; ///< empty: none yet
        Time error_at{};
    };
    void add(const Row& row);
    /// The largest groups first, equals by key, at most `most`.
    [[nodiscard]] std::vector<QueueSummary> take(std::size_t most);

  private:
    Time now_;
    std::map<std::string, QueueSummary, std::less<>> groups_;
};
/// last_error of a message that was held because the server died over it again and again.
inline constexpr std::string_view poison_words =
    "held: the server died several times while this was being delivered; look at it before releasing it";
/// Story::missed of a message: places of the copies that were not taken.
[[nodiscard]] std::string missed_copies(const AcceptReceipt& receipt);
/// QueueChange::value of a priority. Errors: invalid.
[[nodiscard]] Result<std::int8_t> priority_value(std::string_view text);

} // namespace mail::store
