// The sections of FETCH: BODY[...], BINARY[...] and RFC822 forms (RFC 9051 §6.4.5.1, RFC 3516). A whole message streams
// from the store to the client in pieces; everything else takes the message apart once for all its sections.
#include "maild/imap/fetch_job.hpp"

#include "common/mail/header.hpp"
#include "maild/imap/proto/imap_url.hpp"
#include "maild/imap/proto/response.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

constexpr std::uint64_t piece_bytes = 1048576;   // of a large message on its way
constexpr std::uint64_t header_guess = 16384;    // most headers fit
constexpr std::size_t pool_bytes = 262144;       // larger messages are parsed on the worker pool
constexpr std::size_t direct_bytes = 65536;      // larger values are written without another copy

using Form = FetchSection::Form;

bool is_whole(const FetchSection& section) {
    return section.part.empty() && section.text == SectionText::whole && section.form != Form::binary_size;
}

bool needs_header_only(const FetchSection& section) {
    return section.part.empty() && section.text == SectionText::header;
}

struct Clip {
    std::uint64_t begin = 0;
    std::uint64_t count = 0;
};
Clip clip(const FetchSection& section, std::uint64_t size) {
    if (!section.partial)
        return {0, size};
    const auto begin = std::min(section.partial->offset, size);
    return {begin, std::min(section.partial->count, size - begin)};
}

std::string_view text_word(const FetchSection& section) {
    switch (section.text) {
    case SectionText::whole: return "";
    case SectionText::header:
        return !section.fields_only ? "HEADER" : section.fields_inverted ? "HEADER.FIELDS.NOT" : "HEADER.FIELDS";
    case SectionText::text: return "TEXT";
    case SectionText::mime: return "MIME";
    }
    return "";
}

// The bytes of a section of a message that is loaded; nullopt: it does not exist.
Result<std::optional<std::string_view>> section_of(LoadedMessage& message, const FetchSection& section) {
    if (needs_header_only(section) && message.header) {
        if (!section.fields_only)
            return std::optional<std::string_view>(*message.header);
        message.scratch = select_fields(*message.header, section.fields, section.fields_inverted);
        return std::optional<std::string_view>(message.scratch);
    }
    const std::string_view bytes = *message.bytes;
    if (section.form == Form::binary || section.form == Form::binary_size) {
        if (section.part.empty())
            return std::optional<std::string_view>(bytes);
        const auto* part = find_part(*message.tree, section.part);
        if (part == nullptr)
            return std::optional<std::string_view>();
        MAIL_TRY(message.scratch, decoded_body(bytes, *part));
        return std::optional<std::string_view>(message.scratch);
    }
    const auto range = find_section(*message.tree, bytes, section.part, section.text);
    if (!range)
        return std::optional<std::string_view>();
    if (!section.fields_only)
        return std::optional<std::string_view>(range->of(bytes));
    message.scratch = select_fields(range->of(bytes), section.fields, section.fields_inverted);
    return std::optional<std::string_view>(message.scratch);
}

} // namespace

std::string section_label(const FetchSection& section) {
    switch (section.form) {
    case Form::rfc822: return "RFC822";
    case Form::rfc822_header: return "RFC822.HEADER";
    case Form::rfc822_text: return "RFC822.TEXT";
    default: break;
    }
    std::string out = section.form == Form::body ? "BODY[" : section.form == Form::binary ? "BINARY[" : "BINARY.SIZE[";
    for (const auto number : section.part) {
        append_number(out, number);
        out += '.';
    }
    if (section.text == SectionText::whole && !section.part.empty())
        out.pop_back();
    out += text_word(section);
    if (section.fields_only) {
        char before = ' ';
        out += " (";
        for (const auto& field : section.fields) {
            if (before == ',')
                out += ' ';
            before = ',';
            append_astring(out, field);
        }
        out += ')';
    }
    out += ']';
    if (section.partial)
        append_all(out, {"<", std::to_string(section.partial->offset), ">"});
    return out;
}

// Writes every section of one message. A message that cannot be read is taken out of the response again, unless part
// of it has left already: then the connection must end, or the client would take other bytes for the rest.
Task<void> Session::fetch_sections(FetchJob& job, const store::ItemBody& body, std::size_t start) {
    LoadedMessage message;
    job.part_sent = false;
    for (std::size_t i = 0; i < job.items.sections.size(); ++i) {
        const auto& section = job.items.sections[i];
        const auto done = co_await fetch_section(job, message, body, section, job.labels[i]);
        if (state_ == State::ended)
            co_return;
        if (done)
            continue;
        if (job.part_sent) {
            broken_ = true;
            state_ = State::ended;
            co_return;
        }
        out_.resize(start);
        job.undecodable = job.undecodable || done.error().code == ErrorCode::unsupported;
        job.damaged = job.damaged || done.error().code != ErrorCode::unsupported;
        co_return;
    }
}

Task<Result<void>> Session::fetch_section(FetchJob& job, LoadedMessage& message, const store::ItemBody& body,
                                          const FetchSection& section, std::string_view label) {
    if (is_whole(section))
        return fetch_whole(job, body, section, label);
    return fetch_part(job, message, body, section, label);
}

Task<void> Session::write_direct(FetchJob& job, std::string_view bytes) {
    co_await flush();
    job.part_sent = true;
    if (broken_)
        co_return;
    allow_time();
    const auto written = co_await stream_->write(bytes);
    if (!written) {
        broken_ = true;
        state_ = State::ended;
    }
}

Task<Result<void>> Session::fetch_whole(FetchJob& job, const store::ItemBody& body, const FetchSection& section,
                                        std::string_view label) {
    const auto part = clip(section, body.prefix.size() + body.blob.length);
    std::uint64_t sent = 0;
    bool first = true;
    do {
        MAIL_CO_TRY(const auto piece, co_await services_.mailboxes.read(body, part.begin + sent,
                                                                        std::min(piece_bytes, part.count - sent)));
        if (piece.size() != std::min(piece_bytes, part.count - sent))
            co_return fail(ErrorCode::internal, "a stored message is shorter than its size");
        if (first) {
            append_all(out_, {label, " "});
            append_literal_header(out_, part.count, section.form == Form::binary && piece.find('\0') != std::string::npos);
            first = false;
        }
        sent += piece.size();
        if (piece.size() <= direct_bytes) {
            out_ += piece;
            continue;
        }
        co_await write_direct(job, piece);
        if (state_ == State::ended)
            co_return Result<void>{};
    } while (sent < part.count);
    out_ += ' ';
    co_return Result<void>{};
}

Task<Result<void>> Session::load_message(LoadedMessage& message, const store::ItemBody& body, bool header_only) {
    if (message.bytes != nullptr || (header_only && message.header))
        co_return Result<void>{};
    if (header_only) {
        MAIL_CO_TRY(auto head, co_await services_.mailboxes.read(body, 0, header_guess));
        const auto view = parse_header(head);
        if (view.has_separator || head.size() < header_guess) {
            head.resize(view.body_offset);
            message.header = std::move(head);
            co_return Result<void>{};
        }
    }
    MAIL_CO_TRY(auto bytes, co_await services_.mailboxes.read(body));
    message.bytes = std::make_shared<const std::string>(std::move(bytes));
    if (message.bytes->size() <= pool_bytes) {
        message.tree = parse_mime(*message.bytes);
        co_return Result<void>{};
    }
    std::function<Result<MimeTree>()> parse_job = [whole = message.bytes] { return parse_mime(*whole); };
    MAIL_CO_TRY(auto tree, co_await services_.pool.run<MimeTree>(std::move(parse_job)));
    message.tree = std::move(tree);
    co_return Result<void>{};
}

// What a URL of CATENATE stands for (RFC 4469 §3): bytes of a message this user may read.
Task<Result<std::string>> Session::url_bytes(const std::string& text) {
    const auto url = parse_imap_url(text);
    if (!url)
        co_return fail(ErrorCode::invalid, "this is no URL of a message here");
    store::Folder folder;
    if (!url->mailbox.empty()) {
        MAIL_CO_TRY(folder, co_await services_.mailboxes.find(account(), url->mailbox));
    } else if (selected_) {
        folder = selected_->folder;
    } else {
        co_return fail(ErrorCode::invalid, "the URL names no mailbox and none is selected");
    }
    if (url->uid_validity && *url->uid_validity != folder.uid_validity)
        co_return fail(ErrorCode::not_found, "the UIDVALIDITY of the URL is another one");
    const store::UidSet uids{{url->uid, url->uid}};
    MAIL_CO_TRY(const auto bodies, co_await services_.mailboxes.bodies(account(), folder.id, uids, 1));
    if (bodies.empty())
        co_return fail(ErrorCode::not_found, "there is no message with this UID");
    if (is_whole(url->section)) {
        const auto part = clip(url->section, bodies.front().prefix.size() + bodies.front().blob.length);
        co_return co_await services_.mailboxes.read(bodies.front(), part.begin, part.count);
    }
    LoadedMessage message;
    MAIL_CO_DO(co_await load_message(message, bodies.front(), needs_header_only(url->section)));
    MAIL_CO_TRY(const auto found, section_of(message, url->section));
    if (!found)
        co_return fail(ErrorCode::not_found, "the message has no such part");
    const auto part = clip(url->section, found->size());
    co_return std::string(found->substr(static_cast<std::size_t>(part.begin), static_cast<std::size_t>(part.count)));
}

Task<Result<void>> Session::fetch_part(FetchJob& job, LoadedMessage& message, const store::ItemBody& body,
                                       const FetchSection& section, std::string_view label) {
    MAIL_CO_DO(co_await load_message(message, body, needs_header_only(section)));
    MAIL_CO_TRY(const auto found, section_of(message, section));
    append_all(out_, {label, " "});
    if (section.form == Form::binary_size) {
        append_number(out_, found ? found->size() : 0);
        out_ += ' ';
        co_return Result<void>{};
    }
    if (!found) { // RFC 9051 §6.4.5.1: a part that does not exist
        out_ += "NIL ";
        co_return Result<void>{};
    }
    const auto part = clip(section, found->size());
    const auto bytes = found->substr(static_cast<std::size_t>(part.begin), static_cast<std::size_t>(part.count));
    append_literal_header(out_, bytes.size(), section.form == Form::binary && bytes.find('\0') != std::string_view::npos);
    if (bytes.size() <= direct_bytes)
        out_ += bytes;
    else
        co_await write_direct(job, bytes);
    out_ += ' ';
    co_return Result<void>{};
}

} // namespace mail::imap
