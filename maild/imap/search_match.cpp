#include "maild/imap/search_match.hpp"

#include "common/base/text.hpp"
#include "common/mail/encoded.hpp"
#include "maild/service/search_text.hpp"

#include <cstring>

namespace mail::imap {

namespace {

constexpr std::size_t max_needle = 4096;
constexpr std::size_t max_byte_keys = 50; // each reads every candidate's text once more

// Linear in the worst case too, which std::string_view::find is not.
bool holds(std::string_view text, std::string_view needle) {
    return needle.empty() || ::memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr;
}

Verdict verdict(bool yes) { return yes ? Verdict::yes : Verdict::no; }

Time day_of(Time time) { return std::chrono::floor<std::chrono::days>(time); }

bool holds_keyword(std::string_view keywords, std::string_view wanted) {
    while (!keywords.empty()) {
        const auto end = keywords.find(' ');
        if (text::iequals(keywords.substr(0, end), wanted))
            return true;
        keywords.remove_prefix(end == std::string_view::npos ? keywords.size() : end + 1);
    }
    return false;
}

bool takes_text(KeyKind kind) {
    using enum KeyKind;
    return kind == header || kind == from || kind == to || kind == cc || kind == bcc || kind == subject ||
           kind == body || kind == text;
}

std::uint8_t envelope_field_of(KeyKind kind) {
    switch (kind) {
    case KeyKind::from: return envelope_field::from;
    case KeyKind::to: return envelope_field::to;
    case KeyKind::cc: return envelope_field::cc;
    case KeyKind::bcc: return envelope_field::bcc;
    case KeyKind::subject: return envelope_field::subject;
    default: return 0;
    }
}

bool is_message_id(const std::string& name) { return text::iequals(name, "message-id"); }

} // namespace

const HeaderView& SearchText::header() {
    if (!header_)
        header_ = parse_header(message_);
    return *header_;
}

bool SearchText::header_holds(std::string_view name, std::string_view needle) {
    for (const auto& field : header().fields)
        if (text::iequals(field.name, name) && (needle.empty() || holds(casemap(decode_header(field.value)), needle)))
            return true;
    return false;
}

const MimeTree& SearchText::tree() {
    if (!tree_)
        tree_ = parse_mime(message_);
    return *tree_;
}

// The message's own header and those of its parts and embedded messages.
bool SearchText::any_header_holds(std::string_view needle) {
    if (!folded_header_)
        folded_header_ = service::header_search_text(message_, tree());
    return holds(*folded_header_, needle);
}

bool SearchText::body_holds(std::string_view needle) {
    if (!folded_body_)
        folded_body_ = service::body_search_texts(message_, tree());
    for (const auto& part : *folded_body_)
        if (holds(part, needle))
            return true;
    return false;
}

Result<std::shared_ptr<const SearchPlan>> SearchPlan::prepare(const SearchProgram& program, std::string_view charset,
                                                              const MailboxView& view,
                                                              std::span<const NumberRange> saved_uids, Time now) {
    auto plan = std::make_shared<SearchPlan>();
    plan->now_ = now;
    plan->keys_.reserve(program.keys.size());
    std::size_t byte_keys = 0;
    for (const auto& from : program.keys) {
        const bool reads_bytes =
            from.kind == KeyKind::body || from.kind == KeyKind::text || from.kind == KeyKind::header;
        if (reads_bytes && ++byte_keys > max_byte_keys)
            return fail(ErrorCode::too_large, "too many keys that read whole messages");
        Key key{.kind = from.kind, .span = from.span, .number = from.number, .time = from.time, .name = from.name,
                .text = from.text, .ranges = {}};
        if (takes_text(from.kind)) {
            if (from.text.size() > max_needle)
                return fail(ErrorCode::too_large, "a search text is too long");
            MAIL_TRY(auto utf8, to_utf8(from.text, charset.empty() ? "UTF-8" : charset));
            key.text = casemap(utf8);
        }
        if (from.kind == KeyKind::sequence || from.kind == KeyKind::uid)
            key.ranges = from.set.is_saved()            ? view.positions_of(saved_uids)
                         : from.kind == KeyKind::uid    ? view.positions_of_uids(from.set)
                                                        : view.positions_of_numbers(from.set);
        if (reads_bytes && store::can_find(key.text)) {
            plan->texts_.push_back(key.text);
            key.text_number = plan->texts_.size();
        }
        plan->fields_ = static_cast<std::uint8_t>(plan->fields_ | envelope_field_of(from.kind));
        if (from.kind == KeyKind::header && is_message_id(from.name))
            plan->fields_ = static_cast<std::uint8_t>(plan->fields_ | envelope_field::message_id);
        plan->needs_sent_ = plan->needs_sent_ || from.kind == KeyKind::sent_before || from.kind == KeyKind::sent_on ||
                            from.kind == KeyKind::sent_since;
        plan->keys_.push_back(std::move(key));
    }
    return std::shared_ptr<const SearchPlan>(std::move(plan));
}

Verdict SearchPlan::evaluate(const service::FolderSnapshot& snapshot, std::uint32_t position,
                             const service::FolderItem& item, const SearchFacts& facts) const {
    return key(0, {snapshot, position, item, facts});
}

// AND is decided by a "no", OR by a "yes".
Verdict SearchPlan::group(std::size_t index, const Message& message, Verdict decisive) const {
    bool open = false;
    const auto end = index + keys_[index].span;
    for (auto child = index + 1; child < end; child += keys_[child].span) {
        const auto answer = key(child, message);
        if (answer == decisive)
            return decisive;
        open = open || answer == Verdict::unknown;
    }
    if (open)
        return Verdict::unknown;
    return decisive == Verdict::no ? Verdict::yes : Verdict::no;
}

Verdict SearchPlan::key(std::size_t index, const Message& message) const {
    const auto& node = keys_[index];
    switch (node.kind) {
    case KeyKind::all_of: return group(index, message, Verdict::no);
    case KeyKind::any_of: return group(index, message, Verdict::yes);
    case KeyKind::none_of: {
        const auto inner = key(index + 1, message);
        return inner == Verdict::unknown ? inner : verdict(inner == Verdict::no);
    }
    default: return leaf(node, message);
    }
}

Verdict SearchPlan::leaf(const Key& node, const Message& message) const {
    const auto& item = message.item;
    const auto age = now_ - item.internal_date;
    const auto seconds = std::chrono::seconds(node.number);
    const auto& saved = message.facts.saved;
    switch (node.kind) {
    case KeyKind::all: return Verdict::yes;
    case KeyKind::nothing: return Verdict::no;
    case KeyKind::system_flag: return verdict((item.flags & node.number) != 0);
    case KeyKind::keyword: return verdict(holds_keyword(message.snapshot.keywords(item.keywords), node.text));
    // RFC 9051 §6.4.4: dates compare by day, zones are disregarded.
    case KeyKind::before: return verdict(day_of(item.internal_date) < node.time);
    case KeyKind::on: return verdict(day_of(item.internal_date) == node.time);
    case KeyKind::since: return verdict(day_of(item.internal_date) >= node.time);
    case KeyKind::larger: return verdict(item.size > node.number);
    case KeyKind::smaller: return verdict(item.size < node.number);
    case KeyKind::older: return verdict(age >= seconds); // RFC 5032 §3
    case KeyKind::younger: return verdict(age <= seconds);
    case KeyKind::sequence:
    case KeyKind::uid: return verdict(contains(node.ranges, message.position + 1));
    case KeyKind::modseq: return verdict(item.modseq >= node.number);
    case KeyKind::saved_before: return saved ? verdict(day_of(*saved) < node.time) : Verdict::unknown;
    case KeyKind::saved_on: return saved ? verdict(day_of(*saved) == node.time) : Verdict::unknown;
    case KeyKind::saved_since: return saved ? verdict(day_of(*saved) >= node.time) : Verdict::unknown;
    case KeyKind::email_id:
        return message.facts.email_id.empty() ? Verdict::unknown : verdict(message.facts.email_id == node.text);
    case KeyKind::thread_id: return Verdict::no; // threads have no ids here
    case KeyKind::body:
    case KeyKind::text: return by_text(node, message);
    default: return by_envelope(node, message);
    }
}

Verdict SearchPlan::by_envelope(const Key& node, const Message& message) const {
    if (node.kind == KeyKind::header && !is_message_id(node.name))
        return by_text(node, message);
    const auto* envelope = message.facts.envelope;
    if (envelope == nullptr)
        return Verdict::unknown;
    const auto& sent = message.facts.sent_day;
    switch (node.kind) {
    case KeyKind::from: return verdict(holds(envelope->from, node.text));
    case KeyKind::to: return verdict(holds(envelope->to, node.text));
    case KeyKind::cc: return verdict(holds(envelope->cc, node.text));
    case KeyKind::bcc: return verdict(holds(envelope->bcc, node.text));
    case KeyKind::subject: return verdict(holds(envelope->subject, node.text));
    case KeyKind::header: return verdict(!envelope->message_id.empty() && holds(envelope->message_id, node.text));
    case KeyKind::sent_before: return verdict(sent && *sent < node.time);
    case KeyKind::sent_on: return verdict(sent && *sent == node.time);
    case KeyKind::sent_since: return verdict(sent && *sent >= node.time);
    default: return Verdict::no;
    }
}

Verdict SearchPlan::by_text(const Key& node, const Message& message) const {
    if (node.text_number != 0 && ((message.facts.absent >> (node.text_number - 1)) & 1U) != 0)
        return Verdict::no;
    auto* text = message.facts.text;
    if (text == nullptr)
        return Verdict::unknown;
    if (node.kind == KeyKind::header)
        return verdict(text->header_holds(node.name, node.text));
    if (node.kind == KeyKind::text && text->any_header_holds(node.text))
        return Verdict::yes;
    return verdict(text->body_holds(node.text));
}

} // namespace mail::imap
