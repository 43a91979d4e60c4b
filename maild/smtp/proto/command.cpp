#include "maild/smtp/proto/command.hpp"

#include "common/base/text.hpp"
#include "maild/smtp/proto/parameters.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace mail::smtp {
namespace {

using Parsed = std::variant<Command, Reply>;

Reply bad_argument(std::string text) { return Reply(501, "5.5.4", std::move(text)); }

/// RFC 5321 §4.1.1: commands without arguments; blanks at the end are let pass.
template <class T> Parsed bare(std::string_view rest) {
    if (!text::trim(rest).empty())
        return bad_argument("This command takes no argument");
    return Command(T{});
}

template <class T> Parsed greeting(std::string_view rest) {
    const std::string_view name = text::trim(rest);
    if (!is_helo_name(name))
        return bad_argument("A domain name or address literal is expected");
    return Command(T{std::string(name)});
}

template <class T> Parsed with_text(std::string_view rest) { return Command(T{std::string(text::trim(rest))}); }

template <class T> Parsed with_required_text(std::string_view rest) {
    if (text::trim(rest).empty())
        return bad_argument("An argument is expected");
    return with_text<T>(rest);
}

/// RFC 5321 §4.1.1.9: NOOP may carry a string, which is ignored.
Parsed parse_noop(std::string_view) { return Command(Noop{}); }

/// "FROM:" or "TO:" and the path. A blank after the colon is wrong but common, and harmless.
bool take_keyword(std::string_view& rest, std::string_view keyword) {
    while (rest.starts_with(' '))
        rest.remove_prefix(1);
    if (!text::istarts_with(rest, keyword))
        return false;
    rest.remove_prefix(keyword.size());
    while (rest.starts_with(' '))
        rest.remove_prefix(1);
    return true;
}

Parsed parse_mail(std::string_view rest) {
    if (!take_keyword(rest, "FROM:"))
        return bad_argument("Syntax: MAIL FROM:<address>");
    Mail mail;
    auto path = take_path(rest, true);
    if (!path)
        return Reply(501, "5.1.7", "Bad sender address: " + path.error().message);
    mail.path = std::move(*path);
    auto parameters = parse_mail_parameters(rest);
    if (auto* refusal = std::get_if<Reply>(&parameters))
        return std::move(*refusal);
    mail.parameters = std::get<MailParameters>(std::move(parameters));
    return Command(std::move(mail));
}

Parsed parse_rcpt(std::string_view rest) {
    if (!take_keyword(rest, "TO:"))
        return bad_argument("Syntax: RCPT TO:<address>");
    Rcpt rcpt;
    auto path = take_path(rest, false);
    if (!path)
        return Reply(501, "5.1.3", "Bad recipient address: " + path.error().message);
    rcpt.path = std::move(*path);
    auto parameters = parse_rcpt_parameters(rest);
    if (auto* refusal = std::get_if<Reply>(&parameters))
        return std::move(*refusal);
    rcpt.parameters = std::get<RcptParameters>(std::move(parameters));
    return Command(std::move(rcpt));
}

/// RFC 3030 §2: BDAT SP chunk-size [ SP "LAST" ].
Parsed parse_bdat(std::string_view rest) {
    rest = text::trim(rest);
    const std::size_t blank = rest.find(' ');
    const std::string_view digits = rest.substr(0, blank);
    const std::string_view end_marker = blank == rest.npos ? std::string_view{} : text::trim(rest.substr(blank));
    const auto size = text::number<std::uint64_t>(digits);
    if (!size)
        return bad_argument("Syntax: BDAT size [LAST]");
    if (!end_marker.empty() && !text::iequals(end_marker, "LAST"))
        return bad_argument("Syntax: BDAT size [LAST]");
    return Command(Bdat{*size, !end_marker.empty()});
}

/// RFC 4954 §4: AUTH mechanism [initial-response].
Parsed parse_auth(std::string_view rest) {
    rest = text::trim(rest);
    const std::size_t blank = rest.find(' ');
    const std::string_view mechanism = rest.substr(0, blank);
    // RFC 4422 §3.1: 1 to 20 upper case letters, digits, hyphens, underscores.
    bool is_mechanism = !mechanism.empty() && mechanism.size() <= 20;
    for (const char c : mechanism)
        is_mechanism = is_mechanism && (text::is_alnum(c) || c == '-' || c == '_');
    if (!is_mechanism)
        return bad_argument("Syntax: AUTH mechanism [initial-response]");
    Auth auth{text::to_upper(mechanism), std::nullopt};
    if (blank != rest.npos) {
        const std::string_view initial = text::trim(rest.substr(blank));
        for (const char c : initial)
            if (c <= ' ' || c >= 0x7f) // base64 has neither; a char over 127 is negative
                return bad_argument("Syntax: AUTH mechanism [initial-response]");
        auth.initial = initial == "=" ? std::string() : std::string(initial);
    }
    return Command(std::move(auth));
}

/// Postfix's XCLIENT_README: attribute names with values in xtext.
Parsed parse_xclient(std::string_view rest) {
    static constexpr std::string_view names[] = {"NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT"};
    Xclient xclient;
    for (const std::string_view word : text::split(text::trim(rest), ' ')) {
        const std::size_t equals = word.find('=');
        std::string name = text::to_upper(word.substr(0, equals));
        const auto value = equals == word.npos ? std::nullopt : decode_xtext(word.substr(equals + 1));
        const bool is_known = std::find(std::begin(names), std::end(names), name) != std::end(names);
        const bool is_new = std::none_of(xclient.attributes.begin(), xclient.attributes.end(),
                                         [&](const auto& one) { return one.first == name; });
        if (!value || !is_known || !is_new)
            return bad_argument("Syntax: XCLIENT attribute=value ...");
        const bool is_absent = text::iequals(*value, "[UNAVAILABLE]") || text::iequals(*value, "[TEMPUNAVAIL]");
        xclient.attributes.emplace_back(std::move(name), is_absent ? std::string() : *value);
    }
    return Command(std::move(xclient));
}

/// The line is thrown away; only that it came matters.
Parsed parse_foreign(std::string_view) { return Command(Foreign{}); }

struct Row {
    std::string_view name;
    Parsed (*parse)(std::string_view rest);
};
constexpr Row rows[] = {
    {"EHLO", greeting<Ehlo>},
    {"HELO", greeting<Helo>},
    {"LHLO", greeting<Lhlo>},
    {"MAIL", parse_mail},
    {"RCPT", parse_rcpt},
    {"DATA", bare<Data>},
    {"BDAT", parse_bdat},
    {"RSET", bare<Rset>},
    {"NOOP", parse_noop},
    {"QUIT", bare<Quit>},
    {"STARTTLS", bare<StartTls>},
    {"AUTH", parse_auth},
    {"VRFY", with_required_text<Vrfy>},
    {"EXPN", with_required_text<Expn>},
    {"HELP", with_text<Help>},
    {"ETRN", with_required_text<Etrn>},
    {"XCLIENT", parse_xclient},
    {"", parse_foreign},
};
static_assert(std::size(rows) == verb_count);

/// Words with which other protocols begin; a browser made to speak to us must get nowhere (ALPACA, faults S47).
constexpr std::string_view foreign_words[] = {"GET",     "POST",   "PUT",      "HEAD",  "OPTIONS", "CONNECT", "DELETE",
                                              "PATCH",   "TRACE",  "PROPFIND", "INVITE", "REGISTER", "PRI", "HOST:",
                                              "USER-AGENT:", "CONTENT-TYPE:", "CONTENT-LENGTH:"};

bool is_foreign(std::string_view word) {
    for (const std::string_view foreign : foreign_words) {
        if (text::iequals(word, foreign))
            return true;
    }
    return false;
}

} // namespace

std::string_view name_of(Verb verb) noexcept { return rows[static_cast<std::size_t>(verb)].name; }

std::variant<Command, Reply> parse_command(std::string_view line) {
    // RFC 5321 §4.1.2 knows no control characters in commands; a NUL or CR here means that someone reads it differently.
    for (const char c : line) {
        if ((c >= 0 && c < ' ' && c != '\t') || c == 0x7f)
            return Reply(500, "5.5.2", "Control characters in a command");
    }
    const std::size_t blank = line.find(' ');
    const std::string_view word = line.substr(0, blank);
    const std::string_view rest = blank == line.npos ? std::string_view{} : line.substr(blank + 1);
    for (const Row& row : rows) {
        if (!row.name.empty() && text::iequals(word, row.name))
            return row.parse(rest);
    }
    if (is_foreign(word))
        return Command(Foreign{});
    return Reply(500, "5.5.2", "Command not recognized");
}

} // namespace mail::smtp
