// Reading the queue; the filter becomes SQL with bound values only.
#include "maild/store/rules.hpp"
#include "maild/store/sqlite/queue_rows.hpp"

namespace mail::store::sqlite {
namespace {
using Condition = CheckedFilter::Condition;
using Field = CheckedFilter::Field;

const char* column_of(Field field) {
    switch (field) {
    case Field::id:
        return "i.id";
    case Field::message:
        return "m.message";
    case Field::sender:
        return "m.sender";
    case Field::recipient:
        return "i.recipient";
    case Field::domain:
        return "i.domain";
    case Field::status:
        return "i.status";
    case Field::attempts:
        return "i.attempts";
    case Field::route:
        return "i.route";
    case Field::message_id:
        return "m.message_id";
    case Field::error:
        return "coalesce(i.error_text, '')";
    case Field::error_code:
        return "coalesce(i.error_code, 0)";
    case Field::remote:
        return "coalesce(i.error_remote, '')";
    case Field::priority:
        return "i.priority";
    case Field::size:
        return "b.length";
    case Field::created:
        return "m.created";
    case Field::next_attempt:
        return "i.next_attempt";
    case Field::expires:
        return "i.expires";
    }
    return "i.id";
}

std::string condition_sql(const Condition& condition) {
    const std::string column = column_of(condition.field);
    if (condition.operation == '~')
        return " AND " + column + " LIKE ? ESCAPE '\\'";
    const std::string operation = condition.operation == '!' ? "<>" : std::string(1, condition.operation);
    if (condition.field == Field::domain) // always lower case: compared as it is, so that its index serves
        return " AND " + column + " " + operation + " lower(?)";
    return " AND " + column + " " + operation + " ?" + (is_text(condition.field) ? " COLLATE NOCASE" : "");
}

/// '*' becomes '%'; what LIKE would take for a wildcard is escaped.
std::string like_pattern(std::string_view pattern) {
    const bool anywhere = pattern.find('*') == std::string_view::npos;
    std::string like = anywhere ? "%" : "";
    for (const char c : pattern) {
        if (c == '%' || c == '_' || c == '\\')
            like += '\\';
        like += c == '*' ? '%' : c;
    }
    return anywhere ? like + "%" : like;
}

void bind_condition(Query& query, const Condition& condition, std::vector<std::string>& kept) {
    if (condition.operation == '~')
        query.bind(kept.emplace_back(like_pattern(condition.text)));
    else if (condition.field == Field::message)
        query.blob(condition.text);
    else if (is_text(condition.field))
        query.bind(condition.text);
    else
        query.bind(condition.number);
}

} // namespace

QueueItem queue_item_of(const Query& q) {
    QueueItem item;
    item.id = q.integer(0);
    item.message = q.id(1);
    const auto options = q.as<unsigned>(2);
    item.envelope.return_headers_only = (options & envelope_bit::headers_only) != 0;
    item.envelope.return_full = (options & envelope_bit::full) != 0;
    item.envelope.smtputf8 = (options & envelope_bit::smtputf8) != 0;
    item.envelope.eight_bit = (options & envelope_bit::eight_bit) != 0;
    item.envelope.binary = (options & envelope_bit::binary) != 0;
    item.envelope.require_tls = (options & envelope_bit::require_tls) != 0;
    item.envelope.sender = q.string(3);
    item.envelope.envelope_id = q.string(4);
    item.envelope.message_id = q.string(5);
    item.created = q.time(6);
    item.blob = {q.integer(7), q.as<std::uint32_t>(8), q.count(9), q.count(10), q.as<std::uint32_t>(11)};
    item.recipient = q.string(12);
    item.domain = q.string(13);
    item.original = q.string(14);
    item.notify = q.as<std::uint8_t>(15);
    item.status = q.as<QueueStatus>(16);
    item.attempts = q.as<std::uint32_t>(17);
    if (!q.is_null(18))
        item.last_error = LastError{q.as<int>(18), q.string(19), q.string(20), q.time(21)};
    item.next_attempt = q.time(22);
    item.expires = q.time(23);
    item.route = q.string(24);
    item.delay_told = q.integer(25) != 0;
    item.give_up = q.as<Pending>(26) == Pending::expire;
    item.route_chosen = q.integer(27) != 0;
    item.priority = static_cast<std::int8_t>(q.integer(28));
    item.crashes = q.as<std::uint32_t>(29);
    item.released = q.integer(30) != 0;
    return item;
}

namespace {
/// A statement over the items a filter matches, with its values bound. Holds what is bound.
class FilterQuery {
  public:
    FilterQuery(Database& db, const CheckedFilter& filter, const std::string& columns,
                const std::string& ending)
        : ids_(json_of(filter.ids)), query_(db, sql_of(filter, columns) + ending) {
        patterns_.reserve(filter.conditions.size()); // bound text must not move
        query_.bind(filter.after);
        if (!filter.ids.empty())
            query_.bind(ids_);
        for (const Condition& condition : filter.conditions)
            bind_condition(query_, condition, patterns_);
    }
    [[nodiscard]] Query& query() noexcept { return query_; }

  private:
    static std::string sql_of(const CheckedFilter& filter, const std::string& columns) {
        std::string sql = "SELECT " + columns + " " MAIL_QUEUE_TABLES " WHERE i.id > ?";
        // Ids go in as one JSON array, so that the statement has one shape and no bound on their number.
        if (!filter.ids.empty())
            sql += " AND i.id IN (SELECT value FROM json_each(?))";
        for (const Condition& condition : filter.conditions)
            sql += condition_sql(condition);
        return sql;
    }
    static std::string json_of(const std::vector<QueueId>& ids) {
        std::string json = "[";
        for (const QueueId id : ids)
            json += (json.size() > 1 ? "," : "") + std::to_string(id);
        return json + "]";
    }

    std::string ids_;
    std::vector<std::string> patterns_;
    Query query_;
};
} // namespace

Result<std::vector<QueueItem>> select_queue(Database& db, const CheckedFilter& filter) {
    const std::string order = std::string(column_of(filter.sort)) + (is_text(filter.sort) ? " COLLATE NOCASE" : "") +
                              (filter.descending ? " DESC" : "");
    FilterQuery filtered(db, filter, MAIL_QUEUE_COLUMNS, " ORDER BY " + order + ", i.id LIMIT ?");
    Query& query = filtered.query();
    query.bind(filter.limit == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(filter.limit));
    std::vector<QueueItem> items;
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return items;
        items.push_back(queue_item_of(query));
    }
}

Result<std::uint64_t> count_queue(Database& db, const CheckedFilter& filter) {
    CheckedFilter all = filter;
    all.after = 0;
    FilterQuery filtered(db, all, "count(*)", "");
    MAIL_TRY(const bool row, filtered.query().step());
    return row ? filtered.query().count(0) : 0;
}

namespace {
const char* group_column(QueueGroup group) {
    switch (group) {
    case QueueGroup::domain:
        return "i.domain";
    case QueueGroup::sender:
        return "m.sender";
    case QueueGroup::route:
        return "i.route";
    case QueueGroup::status:
        return "i.status";
    case QueueGroup::error:
        return "coalesce(i.error_text, '')";
    case QueueGroup::age:
        return "''"; // by m.created, which is read anyhow
    }
    return "i.domain";
}
} // namespace

Result<std::vector<QueueSummary>> summarize_queue(Database& db, const CheckedFilter& filter, QueueGroup group,
                                                  std::size_t most, Time now) {
    CheckedFilter all = filter;
    all.after = 0;
    const std::string columns = std::string(group_column(group)) +
                                ", i.status, b.length, m.created, i.next_attempt, i.error_text, i.error_at";
    FilterQuery filtered(db, all, columns, "");
    Query& query = filtered.query();
    QueueSummarizer summarizer(now);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return summarizer.take(most);
        QueueSummarizer::Row one;
        one.status = query.as<QueueStatus>(1);
        one.bytes = query.count(2);
        one.created = query.time(3);
        one.key = group == QueueGroup::status ? name_of(one.status)
                  : group == QueueGroup::age  ? age_name(age_place(now - one.created))
                                              : query.text(0);
        one.next = query.time(4);
        one.error = query.is_null(5) ? std::string_view() : query.text(5);
        one.error_at = query.is_null(6) ? Time{} : query.time(6);
        summarizer.add(one);
    }
}

Result<QueueItem> queue_item(Database& db, QueueId id) {
    Query query(db, "SELECT " MAIL_QUEUE_COLUMNS " " MAIL_QUEUE_TABLES " WHERE i.id = ?");
    MAIL_TRY(const bool row, query.bind(id).step());
    if (!row)
        return fail(ErrorCode::not_found, "no such queue item");
    return queue_item_of(query);
}

Result<std::optional<Time>> next_due(Database& db) {
    Query query(db, "SELECT min(at) FROM (SELECT min(due) AS at FROM queue_domain "
                    "UNION ALL SELECT min(lease_end) FROM queue_item WHERE status = 1)");
    MAIL_TRY(const bool row, query.step());
    if (!row || query.is_null(0))
        return std::optional<Time>();
    return std::optional<Time>(query.time(0));
}

} // namespace mail::store::sqlite
