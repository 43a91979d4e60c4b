// FETCH (RFC 9051 §6.4.5, BINARY of RFC 3516, MODSEQ of RFC 7162, RFC 8474, RFC 8514, RFC 8970).
#include "common/base/text.hpp"
#include "maild/imap/proto/cursor.hpp"

#include <array>

namespace mail::imap {

namespace {

constexpr std::size_t max_sections = 200;
constexpr std::size_t max_part_numbers = 1000; // longer paths than any message has are cut off as an error
constexpr std::size_t max_fields = 5000;

struct AttributeName {
    std::string_view word;
    FetchAttribute attribute;
};
constexpr std::array<AttributeName, 11> attributes{{
    {"FLAGS", FetchAttribute::flags},
    {"UID", FetchAttribute::uid},
    {"INTERNALDATE", FetchAttribute::internal_date},
    {"RFC822.SIZE", FetchAttribute::size},
    {"ENVELOPE", FetchAttribute::envelope},
    {"BODYSTRUCTURE", FetchAttribute::bodystructure},
    {"MODSEQ", FetchAttribute::modseq},
    {"EMAILID", FetchAttribute::email_id},
    {"THREADID", FetchAttribute::thread_id},
    {"PREVIEW", FetchAttribute::preview},
    {"SAVEDATE", FetchAttribute::save_date},
}};

bool parse_header_fields(Cursor& in, FetchSection& section) {
    section.fields_only = true;
    if (!in.space() || !in.expect('('))
        return false;
    while (true) {
        if (section.fields.size() >= max_fields)
            return in.fail("too many header fields");
        if (!in.astring(section.fields.emplace_back()))
            return false;
        if (in.take(')'))
            return true;
        if (!in.space())
            return false;
    }
}

// section-msgtext and MIME, after any part numbers.
bool parse_section_text(Cursor& in, FetchSection& section) {
    if (in.take_word("HEADER.FIELDS.NOT")) {
        section.text = SectionText::header;
        section.fields_inverted = true;
        return parse_header_fields(in, section);
    }
    if (in.take_word("HEADER.FIELDS")) {
        section.text = SectionText::header;
        return parse_header_fields(in, section);
    }
    if (in.take_word("HEADER"))
        section.text = SectionText::header;
    else if (in.take_word("TEXT"))
        section.text = SectionText::text;
    else if (!section.part.empty() && in.take_word("MIME"))
        section.text = SectionText::mime;
    else
        return in.fail("unknown section");
    return true;
}

} // namespace

// "[" ... "]": part numbers, then for BODY a section text.
bool parse_section(Cursor& in, FetchSection& section, bool numbers_only) {
    if (!in.expect('['))
        return false;
    while (text::is_digit(in.peek())) {
        if (section.part.size() >= max_part_numbers)
            return in.fail("too many part numbers");
        if (!in.nz_number(section.part.emplace_back()))
            return false;
        if (in.take(']'))
            return true;
        if (!in.expect('.'))
            return false;
        if (in.peek() == ']')
            return in.fail("a section ends in a dot");
    }
    if (in.take(']'))
        return true;
    if (numbers_only)
        return in.fail("BINARY takes part numbers only");
    return parse_section_text(in, section) && in.expect(']');
}

namespace {

bool parse_partial(Cursor& in, FetchSection& section) {
    if (!in.take('<'))
        return true;
    auto& partial = section.partial.emplace();
    if (!in.number64(partial.offset) || !in.expect('.') || !in.number64(partial.count))
        return false;
    // RFC 9051 §9: partial = "<" number64 "." nz-number64 ">"
    if (partial.count == 0)
        return in.fail("zero is not allowed here");
    return in.expect('>');
}

bool parse_body_section(Cursor& in, FetchItems& items, FetchSection::Form form, bool peek) {
    if (items.sections.size() >= max_sections)
        return in.fail("too many sections");
    auto& section = items.sections.emplace_back();
    section.form = form;
    section.peek = peek;
    return parse_section(in, section, form != FetchSection::Form::body) &&
           (form == FetchSection::Form::binary_size || parse_partial(in, section));
}

bool add_rfc822(Cursor& in, FetchItems& items, FetchSection::Form form, SectionText text, bool peek) {
    if (items.sections.size() >= max_sections)
        return in.fail("too many sections");
    auto& section = items.sections.emplace_back();
    section.form = form;
    section.text = text;
    section.peek = peek;
    return true;
}

bool parse_preview_modifiers(Cursor& in) {
    // RFC 8970 §4.1: PREVIEW (LAZY)
    if (!in.take_prefix(" ("))
        return true;
    return in.take_word("LAZY") ? in.expect(')') : in.fail("unknown PREVIEW modifier");
}

bool parse_item(Cursor& in, FetchItems& items) {
    using Form = FetchSection::Form;
    for (const auto& row : attributes)
        if (in.take_word(row.word)) {
            items.add(row.attribute);
            return row.attribute != FetchAttribute::preview || parse_preview_modifiers(in);
        }
    if (in.take_word("RFC822.HEADER"))
        return add_rfc822(in, items, Form::rfc822_header, SectionText::header, true);
    if (in.take_word("RFC822.TEXT"))
        return add_rfc822(in, items, Form::rfc822_text, SectionText::text, false);
    if (in.take_word("RFC822"))
        return add_rfc822(in, items, Form::rfc822, SectionText::whole, false);
    if (in.take_prefix("BINARY.SIZE"))
        return parse_body_section(in, items, Form::binary_size, true);
    if (in.take_prefix("BINARY.PEEK"))
        return parse_body_section(in, items, Form::binary, true);
    if (in.take_prefix("BINARY"))
        return parse_body_section(in, items, Form::binary, false);
    if (in.take_prefix("BODY.PEEK"))
        return parse_body_section(in, items, Form::body, true);
    if (!in.take_prefix("BODY"))
        return in.fail("unknown FETCH item");
    if (in.peek() == '[')
        return parse_body_section(in, items, Form::body, false);
    items.add(FetchAttribute::body);
    return true;
}

// RFC 9051 §6.4.5: ALL, FAST and FULL stand alone.
bool parse_macro(Cursor& in, FetchItems& items) {
    const bool all = in.take_word("ALL");
    const bool fast = !all && in.take_word("FAST");
    const bool full = !all && !fast && in.take_word("FULL");
    if (!all && !fast && !full)
        return false;
    items.add(FetchAttribute::flags);
    items.add(FetchAttribute::internal_date);
    items.add(FetchAttribute::size);
    if (!fast)
        items.add(FetchAttribute::envelope);
    if (full)
        items.add(FetchAttribute::body);
    return true;
}

} // namespace

bool parse_item_list(Cursor& in, FetchItems& items) {
    while (true) {
        if (!parse_item(in, items))
            return false;
        if (in.take(')'))
            return true;
        if (!in.space())
            return false;
    }
}

namespace {

bool parse_modifiers(Cursor& in, FetchArguments& body, bool uid) {
    if (!in.expect('('))
        return false;
    while (true) {
        if (in.take_word("CHANGEDSINCE")) {
            if (!in.space() || !in.number64(body.changed_since.emplace()))
                return false;
        } else if (in.take_word("VANISHED")) {
            body.vanished = true;
        } else if (in.take_word("PARTIAL")) {
            if (!uid || body.partial)
                return in.fail("PARTIAL goes once with UID FETCH");
            if (!in.space() || !parse_partial_range(in, body.partial.emplace()))
                return false;
        } else {
            return in.fail("unknown FETCH modifier");
        }
        if (in.take(')'))
            break;
        if (!in.space())
            return false;
    }
    // RFC 7162 §3.2.6: VANISHED only with UID FETCH and CHANGEDSINCE.
    if (body.vanished && (!uid || !body.changed_since))
        return in.fail("VANISHED needs UID FETCH and CHANGEDSINCE");
    return true;
}

} // namespace

bool parse_fetch(Cursor& in, Command& out) {
    auto& body = out.body.emplace<FetchArguments>();
    if (!in.space() || !in.sequence_set(body.set) || !in.space())
        return false;
    const bool parsed = in.take('(') ? parse_item_list(in, body.items)
                                     : parse_macro(in, body.items) || parse_item(in, body.items);
    if (!parsed)
        return false;
    if (in.at_end())
        return true;
    return in.space() && parse_modifiers(in, body, out.uid) && in.end();
}

} // namespace mail::imap
