// SEARCH (RFC 9051 §6.4.4; RFC 4731 ESEARCH, RFC 5182 SAVE, RFC 5032 WITHIN, RFC 7162 MODSEQ).
#include "common/base/text.hpp"
#include "maild/imap/proto/cursor.hpp"

#include <array>

namespace mail::imap {

namespace {

enum class Argument : std::uint8_t { none, flag_set, flag_unset, keyword, unkeyword, text, header, date, number, set,
                                     seconds, modseq, id };

struct KeyRow {
    std::string_view word;
    KeyKind kind;
    Argument argument = Argument::none;
    std::uint8_t flag = 0;
};

constexpr std::array rows = {
    KeyRow{"ALL", KeyKind::all},
    KeyRow{"ANSWERED", KeyKind::system_flag, Argument::flag_set, 2},
    KeyRow{"BCC", KeyKind::bcc, Argument::text},
    KeyRow{"BEFORE", KeyKind::before, Argument::date},
    KeyRow{"BODY", KeyKind::body, Argument::text},
    KeyRow{"CC", KeyKind::cc, Argument::text},
    KeyRow{"DELETED", KeyKind::system_flag, Argument::flag_set, 8},
    KeyRow{"DRAFT", KeyKind::system_flag, Argument::flag_set, 16},
    KeyRow{"EMAILID", KeyKind::email_id, Argument::id},
    KeyRow{"FLAGGED", KeyKind::system_flag, Argument::flag_set, 4},
    KeyRow{"FROM", KeyKind::from, Argument::text},
    KeyRow{"HEADER", KeyKind::header, Argument::header},
    KeyRow{"KEYWORD", KeyKind::keyword, Argument::keyword},
    KeyRow{"LARGER", KeyKind::larger, Argument::number},
    KeyRow{"MODSEQ", KeyKind::modseq, Argument::modseq},
    KeyRow{"NEW", KeyKind::nothing},
    KeyRow{"OLD", KeyKind::all}, // RFC 3501 §6.4.4: not \Recent, which is never set
    KeyRow{"OLDER", KeyKind::older, Argument::seconds},
    KeyRow{"ON", KeyKind::on, Argument::date},
    KeyRow{"RECENT", KeyKind::nothing},
    KeyRow{"SAVEDBEFORE", KeyKind::saved_before, Argument::date},
    KeyRow{"SAVEDON", KeyKind::saved_on, Argument::date},
    KeyRow{"SAVEDSINCE", KeyKind::saved_since, Argument::date},
    KeyRow{"SAVEDATESUPPORTED", KeyKind::all},
    KeyRow{"SEEN", KeyKind::system_flag, Argument::flag_set, 1},
    KeyRow{"SENTBEFORE", KeyKind::sent_before, Argument::date},
    KeyRow{"SENTON", KeyKind::sent_on, Argument::date},
    KeyRow{"SENTSINCE", KeyKind::sent_since, Argument::date},
    KeyRow{"SINCE", KeyKind::since, Argument::date},
    KeyRow{"SMALLER", KeyKind::smaller, Argument::number},
    KeyRow{"SUBJECT", KeyKind::subject, Argument::text},
    KeyRow{"TEXT", KeyKind::text, Argument::text},
    KeyRow{"THREADID", KeyKind::thread_id, Argument::id},
    KeyRow{"TO", KeyKind::to, Argument::text},
    KeyRow{"UID", KeyKind::uid, Argument::set},
    KeyRow{"UNANSWERED", KeyKind::system_flag, Argument::flag_unset, 2},
    KeyRow{"UNDELETED", KeyKind::system_flag, Argument::flag_unset, 8},
    KeyRow{"UNDRAFT", KeyKind::system_flag, Argument::flag_unset, 16},
    KeyRow{"UNFLAGGED", KeyKind::system_flag, Argument::flag_unset, 4},
    KeyRow{"UNKEYWORD", KeyKind::keyword, Argument::unkeyword},
    KeyRow{"UNSEEN", KeyKind::system_flag, Argument::flag_unset, 1},
    KeyRow{"YOUNGER", KeyKind::younger, Argument::seconds},
};

bool parse_modseq(Cursor& in, SearchKey& key) {
    // RFC 7162 §3.1.5: MODSEQ ["/flags/\\flag" (all|priv|shared)] value; the entry name makes no difference here.
    if (in.peek() == '"') {
        std::string entry;
        if (!in.string(entry) || !in.space())
            return false;
        if (!in.take_word("all") && !in.take_word("priv") && !in.take_word("shared"))
            return in.fail("expected all, priv or shared");
        if (!in.space())
            return false;
    }
    return in.number64(key.number);
}

bool parse_argument(Cursor& in, const KeyRow& row, SearchKey& key) {
    std::uint32_t number = 0;
    switch (row.argument) {
    case Argument::none: return true;
    case Argument::flag_set:
    case Argument::flag_unset: key.number = row.flag; return true;
    case Argument::keyword:
    case Argument::unkeyword:
    case Argument::id: return in.space() && in.atom(key.text);
    case Argument::text: return in.space() && in.astring(key.text);
    case Argument::header: return in.space() && in.astring(key.name) && in.space() && in.astring(key.text);
    case Argument::date: return in.space() && in.date(key.time);
    case Argument::number: return in.space() && in.number64(key.number);
    case Argument::set: return in.space() && in.sequence_set(key.set);
    case Argument::seconds:
        if (!in.space() || !in.nz_number(number))
            return false;
        key.number = number;
        return true;
    case Argument::modseq: return in.space() && parse_modseq(in, key);
    }
    return false;
}

class KeyParser {
  public:
    KeyParser(Cursor& in, SearchProgram& program) : in_(in), keys_(program.keys), program_(program) {}

    // A whole program: keys to the end of the command.
    bool run() {
        const auto root = open(KeyKind::all_of);
        do {
            if (!one(1))
                return false;
        } while (in_.take(' '));
        close(root);
        return true;
    }

  private:
    std::size_t open(KeyKind kind) {
        keys_.emplace_back().kind = kind;
        return keys_.size() - 1;
    }
    void close(std::size_t index) { keys_[index].span = static_cast<std::uint32_t>(keys_.size() - index); }

    bool group(std::int64_t depth) {
        const auto index = open(KeyKind::all_of);
        do {
            if (!one(depth + 1))
                return false;
        } while (in_.take(' '));
        close(index);
        return in_.expect(')');
    }

    bool one(std::int64_t depth) {
        if (depth > limit::imap_nesting)
            return in_.fail("search keys are nested too deep");
        if (keys_.size() >= static_cast<std::size_t>(limit::imap_search_keys))
            return in_.fail("too many search keys");
        if (in_.take('('))
            return group(depth);
        if (in_.take_word("NOT")) {
            const auto index = open(KeyKind::none_of);
            const bool parsed = in_.space() && one(depth + 1);
            close(index);
            return parsed;
        }
        if (in_.take_word("OR")) {
            const auto index = open(KeyKind::any_of);
            const bool parsed = in_.space() && one(depth + 1) && in_.space() && one(depth + 1);
            close(index);
            return parsed;
        }
        const char next = in_.peek();
        if (text::is_digit(next) || next == '*' || next == '$') {
            const auto index = open(KeyKind::sequence);
            return in_.sequence_set(keys_[index].set);
        }
        return named();
    }

    bool named() {
        for (const auto& row : rows) {
            if (!in_.take_word(row.word))
                continue;
            const bool negated = row.argument == Argument::flag_unset || row.argument == Argument::unkeyword;
            const auto outer = negated ? open(KeyKind::none_of) : 0;
            const auto index = open(row.kind);
            if (!parse_argument(in_, row, keys_[index]))
                return false;
            if (negated)
                close(outer);
            program_.uses_modseq = program_.uses_modseq || row.kind == KeyKind::modseq;
            return true;
        }
        return in_.fail("unknown search key");
    }

    Cursor& in_;
    std::vector<SearchKey>& keys_;
    SearchProgram& program_;
};

bool parse_one_return_option(Cursor& in, SearchArguments& body) {
    if (in.take_word("MIN"))
        body.return_min = true;
    else if (in.take_word("MAX"))
        body.return_max = true;
    else if (in.take_word("ALL"))
        body.return_all = true;
    else if (in.take_word("COUNT"))
        body.return_count = true;
    else if (in.take_word("SAVE"))
        body.return_save = true;
    else if (in.take_word("UPDATE"))
        body.return_update = true;
    else if (in.take_word("CONTEXT")) // RFC 5267 §4.2: a hint, no result of its own
        return true;
    else if (in.take_word("PARTIAL"))
        return !body.partial ? in.space() && parse_partial_range(in, body.partial.emplace())
                             : in.fail("PARTIAL may be given once");
    else
        return in.fail("unknown SEARCH return option");
    return true;
}

bool parse_return_options(Cursor& in, SearchArguments& body) {
    body.extended = true;
    if (!in.space() || !in.expect('('))
        return false;
    if (in.take(')')) {
        body.return_all = true; // RFC 4731 §3.1: RETURN () means ALL
        return true;
    }
    while (true) {
        if (!parse_one_return_option(in, body))
            return false;
        if (in.take(')'))
            break;
        if (!in.space())
            return false;
    }
    // RFC 9394 §3.1: PARTIAL stands in for ALL. Hints and UPDATE alone ask for everything, as RETURN () does.
    if (body.partial && body.return_all)
        return in.fail("PARTIAL and ALL rule each other out");
    if (!body.partial && !body.return_min && !body.return_max && !body.return_count && !body.return_save)
        body.return_all = true;
    return true;
}

} // namespace

bool parse_partial_range(Cursor& in, PartialRange& range) {
    range.from_end = in.take('-');
    if (!in.nz_number(range.first) || !in.expect(':') || (range.from_end && !in.expect('-')) || !in.nz_number(range.last))
        return false;
    if (range.first > range.last)
        std::swap(range.first, range.last);
    return true;
}

namespace {

// From RETURN to the end of the command.
bool parse_search_rest(Cursor& in, SearchArguments& body) {
    if (in.take_word("RETURN") && (!parse_return_options(in, body) || !in.space()))
        return false;
    if (in.take_word("CHARSET")) {
        if (!in.space() || !in.astring(body.charset) || !in.space())
            return false;
        body.charset = text::to_upper(body.charset);
    }
    return KeyParser(in, body.program).run() && in.end();
}

} // namespace

bool parse_search(Cursor& in, Command& out) {
    auto& body = out.body.emplace<SearchArguments>();
    return in.space() && parse_search_rest(in, body);
}

// RFC 7377 §2.2: ESEARCH [IN (source ... [(options)])] ...
bool parse_esearch(Cursor& in, Command& out) {
    auto& body = out.body.emplace<SearchArguments>();
    if (!in.space())
        return false;
    if (!in.take_word("IN"))
        return parse_search_rest(in, body);
    if (!in.space() || !in.expect('('))
        return false;
    do {
        if (body.scopes.size() >= 100)
            return in.fail("too many mailboxes");
        auto& scope = body.scopes.emplace_back();
        if (!parse_scope(in, scope))
            return false;
        if (scope.kind == MailboxScope::Kind::selected_delayed)
            return in.fail("selected-delayed is for NOTIFY");
    } while (in.take(' '));
    return in.expect(')') && in.space() && parse_search_rest(in, body);
}

namespace {

bool parse_sort_key(Cursor& in, SortCriterion& out) {
    struct Name {
        std::string_view word;
        SortKey key;
    };
    static constexpr std::array<Name, 9> names{{{"ARRIVAL", SortKey::arrival},
                                                {"CC", SortKey::cc},
                                                {"DATE", SortKey::date},
                                                {"FROM", SortKey::from},
                                                {"SIZE", SortKey::size},
                                                {"SUBJECT", SortKey::subject},
                                                {"TO", SortKey::to},
                                                {"DISPLAYFROM", SortKey::display_from},
                                                {"DISPLAYTO", SortKey::display_to}}};
    if (in.take_word("REVERSE")) {
        out.reverse = true;
        if (!in.space())
            return false;
    }
    for (const auto& name : names)
        if (in.take_word(name.word)) {
            out.key = name.key;
            return true;
        }
    return in.fail("unknown sort criterion");
}

// The charset, which SORT and THREAD require, and the keys.
bool parse_charset_and_keys(Cursor& in, SearchArguments& out) {
    if (!in.space() || !in.astring(out.charset) || !in.space())
        return false;
    out.charset = text::to_upper(out.charset);
    return KeyParser(in, out.program).run() && in.end();
}

} // namespace

bool parse_sort(Cursor& in, Command& out) {
    auto& body = out.body.emplace<SortArguments>();
    if (!in.space())
        return false;
    if (in.take_word("RETURN") && (!parse_return_options(in, body.search) || !in.space()))
        return false;
    if (body.search.return_save)
        return in.fail("SORT cannot SAVE");
    if (!in.expect('('))
        return false;
    while (true) {
        if (body.criteria.size() >= 32)
            return in.fail("too many sort criteria");
        if (!parse_sort_key(in, body.criteria.emplace_back()))
            return false;
        if (in.take(')'))
            return parse_charset_and_keys(in, body.search);
        if (!in.space())
            return false;
    }
}

bool parse_thread(Cursor& in, Command& out) {
    auto& body = out.body.emplace<ThreadArguments>();
    if (!in.space())
        return false;
    body.by_references = in.take_word("REFERENCES");
    if (!body.by_references && !in.take_word("ORDEREDSUBJECT"))
        return in.fail("unknown threading algorithm");
    return parse_charset_and_keys(in, body.search);
}

} // namespace mail::imap
