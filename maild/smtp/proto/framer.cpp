#include "maild/smtp/proto/framer.hpp"

#include <cstring>

namespace mail::smtp {
namespace {

std::size_t find(std::string_view in, std::size_t at, char wanted) {
    if (at >= in.size())
        return std::string_view::npos;
    const void* found = std::memchr(in.data() + at, wanted, in.size() - at);
    return found == nullptr ? std::string_view::npos
                            : static_cast<std::size_t>(static_cast<const char*>(found) - in.data());
}

} // namespace

LineFramer::Result LineFramer::next(std::string_view buffered, std::size_t max, std::size_t flood) {
    const std::size_t lf = find(buffered, scanned_, '\n');
    if (lf == buffered.npos) {
        if (dropped_ == 0 && buffered.size() < max) {
            scanned_ = buffered.size();
            return {};
        }
        // The line is too long already: keep nothing of it but whether a CR came last.
        if (!buffered.empty())
            dropped_cr_ = buffered.back() == '\r';
        dropped_ += buffered.size();
        scanned_ = 0;
        return {dropped_ > flood ? Status::flood : Status::need_more, {}, buffered.size()};
    }
    const bool after_cr = lf > 0 ? buffered[lf - 1] == '\r' : dropped_cr_;
    const bool dropping = dropped_ > 0;
    const std::size_t dropped = dropped_ + lf + 1;
    scanned_ = 0;
    dropped_ = 0;
    dropped_cr_ = false;
    // RFC 5321 §2.3.8: CR and LF MUST NOT be sent except together as a line's end.
    if (!after_cr)
        return {Status::bare_lf, {}, lf + 1};
    if (dropping || lf + 1 > max)
        return {dropped > flood ? Status::flood : Status::too_long, {}, lf + 1};
    return {Status::line, buffered.substr(0, lf - 1), lf + 1};
}

void LineEndings::feed(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size() && !bare_) {
        if (last_cr_) {
            last_cr_ = false;
            bare_ = bytes[at] != '\n';
            ++at;
            continue;
        }
        const std::size_t lf = find(bytes, at, '\n');
        const std::string_view before = bytes.substr(0, lf == bytes.npos ? bytes.size() : lf);
        const std::size_t cr = find(before, at, '\r');
        if (cr == before.npos) {
            bare_ = lf != bytes.npos;
            return;
        }
        last_cr_ = true;
        at = cr + 1;
    }
}

/// Goes on within a line from `at`; returns where the next state begins.
std::size_t DataFramer::scan_line(std::string_view in, std::size_t at) {
    if (last_cr_) {
        last_cr_ = false;
        if (in[at] == '\n') {
            state_ = State::line_start;
            return at + 1;
        }
        bare_ = true;
    }
    const std::size_t lf = find(in, at, '\n');
    const std::size_t end = lf == in.npos ? in.size() : lf;
    const std::string_view part = in.substr(0, end);
    const bool ends_in_cr = end > at && part.back() == '\r';
    line_ += end - at;
    if (line_ > max_line_ + (ends_in_cr ? 1 : 0))
        long_line_ = true;
    if (!bare_) {
        const std::size_t cr = find(part, at, '\r');
        bare_ = cr != part.npos && cr + 1 != end;
    }
    if (lf == in.npos) {
        last_cr_ = ends_in_cr;
        return end;
    }
    if (ends_in_cr)
        state_ = State::line_start;
    else
        bare_ = true; // only CR LF ends a line: a dot that follows this LF is text
    return lf + 1;
}

std::size_t DataFramer::feed(std::string_view in, std::string* out) {
    std::size_t at = 0;
    std::size_t run = 0; // in[run..at) belongs to the message and is not yet in `out`
    const auto flush = [&](std::size_t end) {
        size_ += end - run;
        if (out != nullptr)
            out->append(in.substr(run, end - run));
        run = end;
    };
    while (at < in.size() && !done_) {
        switch (state_) {
        case State::line_start:
            line_ = 0;
            if (in[at] == '.') {
                flush(at);
                run = ++at;
                state_ = State::after_dot;
            } else {
                state_ = State::in_line;
            }
            break;
        case State::after_dot:
            if (in[at] == '\r') {
                run = ++at; // part of the end mark, most likely
                state_ = State::after_dot_cr;
            } else {
                state_ = State::in_line;
            }
            break;
        case State::after_dot_cr:
            if (in[at] == '\n') {
                run = ++at;
                done_ = true;
            } else {
                bare_ = true;
                state_ = State::in_line;
            }
            break;
        case State::in_line:
            at = scan_line(in, at);
            break;
        }
    }
    flush(at);
    return at;
}

void DotStuffer::feed(std::string_view bytes, std::string& out) {
    out.reserve(out.size() + bytes.size() + bytes.size() / 64);
    std::size_t at = 0;
    std::size_t lf = find(bytes, 0, '\n'); // looked for again only once it is passed: linear time for CR alone too
    while (at < bytes.size()) {
        const char c = bytes[at];
        if (lf < at)
            lf = find(bytes, at, '\n');
        if (last_cr_) {
            last_cr_ = false;
            if (c == '\n') {
                ++at;
                continue; // its CR has already brought CR LF
            }
        }
        if (c == '\r' || c == '\n') {
            out += "\r\n";
            last_cr_ = c == '\r';
            line_start_ = true;
            ++at;
            continue;
        }
        if (line_start_ && c == '.')
            out += '.';
        line_start_ = false;
        const std::string_view part = bytes.substr(0, lf == bytes.npos ? bytes.size() : lf);
        const std::size_t cr = find(part, at, '\r');
        const std::size_t end = cr == part.npos ? part.size() : cr;
        out += bytes.substr(at, end - at);
        at = end;
    }
}

void DotStuffer::finish(std::string& out) {
    if (!line_start_)
        out += "\r\n";
    out += ".\r\n";
    line_start_ = true;
    last_cr_ = false;
}

std::string stuff_dots(std::string_view body) {
    std::string out;
    DotStuffer stuffer;
    stuffer.feed(body, out);
    stuffer.finish(out);
    return out;
}

} // namespace mail::smtp
