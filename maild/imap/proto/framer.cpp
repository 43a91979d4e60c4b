#include "maild/imap/proto/framer.hpp"

#include "common/base/text.hpp"
#include "maild/imap/proto/characters.hpp"

#include <algorithm>
#include <optional>

namespace mail::imap {

namespace {

constexpr std::size_t max_tag = 64;
constexpr std::size_t max_literals = 1000;
constexpr std::size_t kept_tail = 64; // more than the longest "{n+}CRLF"

struct LiteralHeader {
    std::size_t at = 0;
    std::optional<std::uint64_t> size; // nullopt: over number64
    bool nonsync = false;
    bool literal8 = false;
};

// RFC 9051 §9: literal = "{" number64 ["+"] "}" CRLF; literal8 has "~" before it. `line` has no CRLF.
std::optional<LiteralHeader> literal_header(std::string_view line) {
    if (line.size() < 3 || line.back() != '}')
        return std::nullopt;
    std::size_t end = line.size() - 1;
    LiteralHeader header;
    if (line[end - 1] == '+') {
        header.nonsync = true;
        --end;
    }
    std::size_t begin = end;
    while (begin > 0 && text::is_digit(line[begin - 1]))
        --begin;
    // More digits than any number64 has: the same answer however much of the line is still known.
    if (begin == end || end - begin > 20 || begin == 0 || line[begin - 1] != '{')
        return std::nullopt;
    const auto size = text::number<std::uint64_t>(line.substr(begin, end - begin));
    if (size && *size <= 9223372036854775807ULL)
        header.size = *size;
    header.at = begin - 1;
    if (header.at > 0 && line[header.at - 1] == '~') {
        header.literal8 = true;
        --header.at;
    }
    return header;
}

// A literal of APPEND or REPLACE (RFC 8508) that is not the mailbox name is a message, or part of one (RFC 4469).
bool is_append_message(std::string_view text, std::size_t literal_at) {
    const auto tag = tag_of(text);
    if (tag.empty())
        return false;
    auto mailbox_at = tag.size();
    const auto take = [&](std::string_view word) {
        const bool is_next = text::istarts_with(text.substr(mailbox_at), word);
        mailbox_at += is_next ? word.size() : 0;
        return is_next;
    };
    if (take(" APPEND "))
        return literal_at > mailbox_at;
    if (!take(" UID REPLACE ") && !take(" REPLACE "))
        return false;
    const auto blank = text.find(' ', mailbox_at); // behind the number
    return blank != std::string_view::npos && literal_at > blank + 1;
}

std::size_t to_size(std::int64_t value) { return static_cast<std::size_t>(value); }

} // namespace

FramerLimits FramerLimits::before_sign_in() noexcept {
    return {.line = to_size(limit::imap_line_preauth),
            .command = to_size(limit::imap_line_preauth) + 2 * to_size(limit::imap_literal_preauth),
            .literal = to_size(limit::imap_literal_preauth),
            .nonsync = std::min(to_size(limit::imap_nonsync_literal), to_size(limit::imap_literal_preauth)),
            .stream_append = false,
            .fatal_overflow = true};
}

FramerLimits FramerLimits::after_sign_in() noexcept {
    return {.line = to_size(limit::imap_line),
            .command = to_size(limit::imap_command),
            .literal = to_size(limit::imap_command),
            .nonsync = to_size(limit::imap_command),
            .stream_append = true,
            .fatal_overflow = false};
}

std::string_view tag_of(std::string_view text) noexcept {
    std::size_t end = 0;
    while (end < text.size() && end <= max_tag && is_astring_char(text[end]) && text[end] != '+')
        ++end;
    if (end == 0 || end > max_tag || (end < text.size() && text[end] != ' '))
        return {};
    return text.substr(0, end);
}

void Framer::reset() noexcept {
    frame_.text.clear();
    if (frame_.text.capacity() > 4096)
        frame_.text.shrink_to_fit();
    frame_.literals.clear();
    tail_.clear();
    tag_.clear();
    line_start_ = line_size_ = swallowed_ = line_max_ = 0;
    literal_left_ = 0;
    poison_ = {};
    raw_line_ = finished_ = false;
}

void Framer::expect_line(std::size_t max) noexcept {
    reset();
    raw_line_ = true;
    line_max_ = max;
}

void Framer::append_literal_done() noexcept { line_start_ = frame_.text.size(); }

void Framer::poison(std::string_view reason) {
    if (poisoned())
        return;
    poison_ = reason;
    tag_ = raw_line_ ? std::string() : std::string(tag_of(frame_.text));
    tail_ = frame_.text.substr(std::max(line_start_, frame_.text.size() - std::min(frame_.text.size(), kept_tail)));
    frame_.text.clear();
    frame_.text.shrink_to_fit();
    frame_.literals.clear();
}

bool Framer::overflowed() const noexcept {
    if (raw_line_)
        return line_size_ > line_max_;
    return line_size_ > limits_.line || frame_.text.size() > limits_.command;
}

void Framer::take_line_bytes(std::string_view bytes) {
    line_size_ += bytes.size();
    if (!poisoned()) {
        // One byte over the limit is enough to know.
        const auto limit = raw_line_ ? line_max_ : limits_.line;
        const auto held = frame_.text.size() - line_start_;
        auto room = limit + 1 > held ? limit + 1 - held : 0;
        if (!raw_line_)
            room = std::min(room, limits_.command + 1 - frame_.text.size());
        const auto kept = bytes.substr(0, room);
        frame_.text.append(kept);
        bytes.remove_prefix(kept.size());
        if (overflowed())
            poison("the line is too long");
    }
    if (poisoned()) {
        swallowed_ += bytes.size();
        tail_.append(bytes.substr(bytes.size() - std::min(bytes.size(), kept_tail)));
        if (tail_.size() > 2 * kept_tail)
            tail_.erase(0, tail_.size() - kept_tail);
    }
}

Framer::Event Framer::finish(Step step, std::size_t consumed) {
    finished_ = true;
    return Event{.step = step, .consumed = consumed};
}

Framer::Event Framer::failure(std::string_view reason, bool fatal, std::size_t consumed) {
    poison(reason);
    Event event{.step = Step::error, .consumed = consumed, .fatal = fatal, .tag = tag_, .reason = poison_};
    finished_ = true;
    return event;
}

// A literal that will not be taken: a client that waits for "+" is told at once; bytes already on their way must be
// skipped, or the connection ended when they are too many.
bool Framer::refuse_literal(std::uint64_t size, bool nonsync, std::string_view reason, Event& event,
                            std::size_t consumed) {
    poison(reason);
    if (!nonsync) {
        event = failure(reason, false, consumed);
        return true;
    }
    if (size > limits_.nonsync || swallowed_ + size > limits_.command) {
        event = failure(reason, true, consumed);
        return true;
    }
    literal_left_ = size;
    swallowed_ += static_cast<std::size_t>(size);
    tail_.clear();
    return false;
}

bool Framer::begin_literal(std::string_view line, Event& event, std::size_t consumed) {
    const auto header = literal_header(line);
    if (!header) {
        event = poisoned() ? failure(poison_, false, consumed) : finish(Step::frame, consumed);
        if (!poisoned())
            frame_.text.resize(frame_.text.size() - 2);
        return true;
    }
    const std::size_t line_size = line.size() + 2;
    line_size_ = 0;
    if (poisoned())
        return refuse_literal(header->size.value_or(UINT64_MAX), header->nonsync, poison_, event, consumed);
    if (!header->size)
        return refuse_literal(UINT64_MAX, header->nonsync, "a literal has an impossible size", event, consumed);
    const auto at = frame_.text.size() - line_size + header->at;
    Literal literal{.at = at, .data = frame_.text.size(), .size = *header->size, .literal8 = header->literal8};
    if (frame_.literals.size() >= max_literals)
        return refuse_literal(literal.size, header->nonsync, "too many literals", event, consumed);
    if (limits_.stream_append && is_append_message(frame_.text, at)) {
        literal.streamed = true;
        frame_.literals.push_back(literal);
        event = Event{.step = Step::append_literal, .consumed = consumed, .size = literal.size,
                      .synchronizing = !header->nonsync, .literal8 = literal.literal8};
        return true;
    }
    const bool too_large = literal.size > limits_.literal || literal.size + frame_.text.size() > limits_.command ||
                           (header->nonsync && literal.size > limits_.nonsync);
    if (too_large)
        return refuse_literal(literal.size, header->nonsync, "a literal is too large", event, consumed);
    frame_.literals.push_back(literal);
    literal_left_ = literal.size;
    line_start_ = frame_.text.size() + static_cast<std::size_t>(literal.size);
    if (header->nonsync)
        return false;
    event = Event{.step = Step::continuation, .consumed = consumed};
    return true;
}

// The line ends with the LF just taken. True when `event` is what to report.
bool Framer::end_line(Event& event, std::size_t consumed) {
    std::string_view line = poisoned() ? std::string_view(tail_) : std::string_view(frame_.text).substr(line_start_);
    line.remove_suffix(1);
    if (line.empty() || line.back() != '\r') {
        // RFC 9051 §2.2: lines end in CRLF. The client may have ended its line here, so it is told now.
        event = failure("a line ends in a bare LF", false, consumed);
        return true;
    }
    line.remove_suffix(1);
    if (!poisoned() && line.find('\0') != std::string_view::npos)
        poison("a NUL byte");
    else if (!poisoned() && line.find('\r') != std::string_view::npos)
        poison("a bare CR");
    if (poisoned()) // `line` may have pointed into the text just dropped
        line = std::string_view(tail_).substr(0, tail_.size() - 2);
    if (raw_line_) {
        if (poisoned()) {
            event = failure(poison_, false, consumed);
        } else {
            frame_.text.resize(frame_.text.size() - 2);
            event = finish(Step::frame, consumed);
        }
        return true;
    }
    return begin_literal(line, event, consumed);
}

Framer::Event Framer::feed(std::string_view input) {
    if (finished_)
        reset();
    std::size_t used = 0;
    while (used < input.size()) {
        if (literal_left_ > 0) {
            const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(literal_left_, input.size() - used));
            if (!poisoned())
                frame_.text.append(input.substr(used, take));
            literal_left_ -= take;
            used += take;
            continue;
        }
        const auto rest = input.substr(used);
        const auto newline = rest.find('\n');
        const auto bytes = newline == std::string_view::npos ? rest : rest.substr(0, newline + 1);
        take_line_bytes(bytes);
        used += bytes.size();
        if (poisoned() && ((limits_.fatal_overflow && line_size_ > limits_.line && !raw_line_) ||
                           swallowed_ > limits_.command || (raw_line_ && line_size_ > line_max_)))
            return failure(poison_, true, used);
        Event event;
        if (newline != std::string_view::npos && end_line(event, used))
            return event;
    }
    return Event{.step = Step::need_more, .consumed = used};
}

} // namespace mail::imap
