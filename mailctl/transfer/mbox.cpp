#include "mailctl/transfer/mbox.hpp"

#include "common/base/text.hpp"
#include "common/mail/date.hpp"
#include "common/mail/header.hpp"
#include "common/mail/message.hpp"

#include <algorithm>
#include <array>

namespace mail::mailctl {
namespace {

/// A line that is longer can be neither a separator nor quoted: on writing, a line of more ">"s is left alone too.
constexpr std::size_t longest_decided = 1000;
constexpr std::size_t most_quotes = 512;
/// Written before each message, in this order; X-Mbox-Bytes only where the lines are not plain CR LF ones, or the message begins
/// with such a field of its own. Read back and taken away only as this block, so that a message's own fields stay.
constexpr std::string_view status_field = "Status: ", x_status_field = "X-Status: ", keywords_field = "X-Keywords: ",
                           bytes_field = "X-Mbox-Bytes: ";

struct Letter {
    char letter;
    std::string_view flag;
};
constexpr std::array status_letters{Letter{'R', "\\Seen"}};
constexpr std::array x_status_letters{Letter{'A', "\\Answered"}, Letter{'F', "\\Flagged"}, Letter{'T', "\\Draft"}, Letter{'D', "\\Deleted"}};

template <class Letters> void read_letters(const Letters& letters, std::string_view value, std::vector<std::string>& flags) {
    for (const auto& [letter, flag] : letters)
        if (value.find(letter) != std::string_view::npos)
            flags.emplace_back(flag);
}
void read_keywords(std::string_view value, std::vector<std::string>& flags) {
    for (const auto word : text::split(value, ' '))
        if (!text::trim(word).empty())
            flags.emplace_back(text::trim(word));
}

/// The next line when it is that field; takes it from `rest`.
std::optional<std::string_view> take_field(std::string_view& rest, std::string_view name) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos || !rest.starts_with(name))
        return std::nullopt;
    const auto value = text::trim(rest.substr(name.size(), end - name.size()));
    rest.remove_prefix(end + 1);
    return value;
}

/// True when the message began with the block that mbox_message() writes; it is then taken off.
bool take_own_block(std::string& bytes, std::vector<std::string>& flags) {
    std::string_view rest = bytes;
    const auto status = take_field(rest, status_field);
    const auto x_status = status ? take_field(rest, x_status_field) : std::nullopt;
    const auto keywords = x_status ? take_field(rest, keywords_field) : std::nullopt;
    if (!keywords)
        return false;
    read_letters(status_letters, *status, flags);
    read_letters(x_status_letters, *x_status, flags);
    read_keywords(*keywords, flags);
    const auto size = take_field(rest, bytes_field);
    const auto exact = size ? text::number<std::size_t>(*size) : std::nullopt;
    bytes = exact && *exact <= rest.size() ? std::string(rest.substr(0, *exact)) : with_crlf(std::string(rest));
    return true;
}

/// What other programs keep among the fields stays there; only its meaning is taken.
void read_foreign_flags(std::string_view bytes, std::vector<std::string>& flags) {
    const auto header = parse_header(bytes);
    read_letters(status_letters, header.value("Status"), flags);
    read_letters(x_status_letters, header.value("X-Status"), flags);
    read_keywords(header.value("X-Keywords"), flags);
}

std::size_t quotes_of(std::string_view line) {
    const auto end = line.find_first_not_of('>');
    return end != std::string_view::npos && line.substr(end).starts_with("From ") ? end : SIZE_MAX;
}

bool is_clock(std::string_view word) {
    return word.size() >= 4 && text::is_digit(word[0]) && word.find(':') != std::string_view::npos;
}

} // namespace

std::optional<Time> parse_from_line(std::string_view line) {
    if (!line.starts_with("From ") || line.size() > longest_decided)
        return std::nullopt;
    std::vector<std::string_view> words;
    for (const auto word : text::split(text::trim(line.substr(5)), ' '))
        if (!word.empty())
            words.push_back(word);
    // asctime(3), with a zone before or after the year as some write: Mon Feb  5 10:00:00 [+0100] 2024 [+0100]
    const auto clock = std::find_if(words.begin(), words.end(), is_clock);
    const auto before = std::distance(words.begin(), clock), after = std::distance(clock, words.end());
    if (before < 2 || after < 2)
        return std::nullopt;
    const auto is_year = [](std::string_view word) { return word.size() == 4 && text::number<std::uint32_t>(word); };
    std::string_view year = clock[1], zone = "+0000";
    if (!is_year(year) && after > 2) {
        zone = year;
        year = clock[2];
    } else if (after > 2 && (clock[2].starts_with('+') || clock[2].starts_with('-'))) {
        zone = clock[2];
    }
    if (!is_year(year))
        return std::nullopt;
    return parse_date(std::string(clock[-1]) + " " + std::string(clock[-2]) + " " + std::string(year) + " " + std::string(*clock) +
                      " " + std::string(zone));
}

void MboxReader::keep(std::string_view text) {
    if (!inside_)
        return;
    if (current_.size() + text.size() > most_)
        too_large_ = true; // the rest is read, and dropped
    else
        current_ += text;
}

void MboxReader::end_message() {
    if (!inside_)
        return;
    Message out;
    out.date = date_;
    out.is_too_large = too_large_;
    // The empty line before the next separator belongs to the file.
    if (current_.ends_with("\n\n"))
        current_.pop_back();
    else if (current_.ends_with("\n\r\n"))
        current_.resize(current_.size() - 2);
    else if (current_ == "\n")
        current_.clear();
    out.bytes = std::move(current_);
    if (!take_own_block(out.bytes, out.flags)) {
        out.bytes = with_crlf(std::move(out.bytes));
        read_foreign_flags(out.bytes, out.flags);
    }
    ready_.push_back(std::move(out));
    current_.clear();
    too_large_ = false;
}

/// One line with its end, or the beginning of a long one.
void MboxReader::line(std::string_view text) {
    const auto stripped = text.substr(0, text.find_last_not_of("\r\n") + 1);
    if (after_empty_) {
        if (const auto date = parse_from_line(stripped)) {
            end_message();
            inside_ = true;
            date_ = date;
            after_empty_ = false;
            return;
        }
    }
    if (!inside_ && !stripped.empty())
        foreign_ = true;
    const auto quotes = quotes_of(text);
    if (quotes != SIZE_MAX && quotes > 0 && quotes <= most_quotes + 1 && (quoting_ == MboxQuoting::mboxrd || quotes == 1))
        text.remove_prefix(1);
    keep(text);
    after_empty_ = stripped.empty();
}

void MboxReader::put(std::string_view piece) {
    while (!piece.empty() && !foreign_) {
        const auto end = piece.find('\n');
        const auto text = piece.substr(0, end == std::string_view::npos ? end : end + 1);
        piece.remove_prefix(text.size());
        if (in_line_) {
            keep(text);
        } else if (end != std::string_view::npos && held_.empty()) {
            line(text);
        } else {
            held_ += text;
            if (end == std::string_view::npos && held_.size() <= longest_decided)
                break; // what it is shows with the next piece
            line(held_);
            held_.clear();
            after_empty_ = after_empty_ && end != std::string_view::npos;
        }
        in_line_ = end == std::string_view::npos;
    }
}

void MboxReader::finish() {
    if (!held_.empty())
        line(held_);
    held_.clear();
    end_message();
    inside_ = false;
}

std::optional<MboxReader::Message> MboxReader::next() {
    if (ready_.empty())
        return std::nullopt;
    Message out = std::move(ready_.front());
    ready_.pop_front();
    return out;
}

std::string mbox_message(const MailItem& item) {
    const auto has = [&](std::string_view flag) { return std::find(item.flags.begin(), item.flags.end(), flag) != item.flags.end(); };
    std::string x_status;
    for (const auto& [letter, flag] : x_status_letters)
        if (has(flag))
            x_status += letter;
    std::vector<std::string> keywords;
    for (const auto& flag : item.flags)
        if (!flag.starts_with('\\'))
            keywords.push_back(flag);
    // asctime(3) in UTC, made of "Thu, 17 Jul 1996 02:44:25 +0000".
    const std::string written = format_date(item.date);
    const auto date = text::split(written, ' ');
    std::string out = "From MAILER-DAEMON " + std::string(date[0].substr(0, 3)) + " " + std::string(date[2]) + " " +
                      (date[1].size() == 1 ? " " : "") + std::string(date[1]) + " " + std::string(date[4]) + " " +
                      std::string(date[3]) + "\n";
    out += std::string(status_field) + (has("\\Seen") ? "RO" : "O") + "\n" + std::string(x_status_field) + x_status + "\n" +
           std::string(keywords_field) + text::join(keywords, " ") + "\n";
    const bool plain = is_clean_crlf(item.bytes) && item.bytes.ends_with("\r\n") && !item.bytes.starts_with(bytes_field);
    if (!plain)
        out += std::string(bytes_field) + std::to_string(item.bytes.size()) + "\n";
    for (std::string_view rest = item.bytes; !rest.empty();) {
        const auto end = rest.find('\n');
        auto text = rest.substr(0, end == std::string_view::npos ? end : end + 1);
        rest.remove_prefix(text.size());
        if (quotes_of(text) <= most_quotes)
            out += '>';
        if (plain)
            text.remove_suffix(2);
        out += text;
        if (plain)
            out += '\n';
    }
    return out + (out.ends_with('\n') ? "\n" : "\n\n");
}

} // namespace mail::mailctl
