#include "mailctl/commands/common.hpp"

#include "common/base/text.hpp"
#include "mailctl/output/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <istream>
#include <map>
#include <ostream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace mail::mailctl {

namespace json = boost::json;

namespace {

constexpr std::uint64_t page_size = 1000;
constexpr auto watch_interval = std::chrono::seconds(2);

std::string query_escape(std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (text::is_alnum(c) || std::string_view("-._~@:/,*").find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += hex[byte >> 4];
            out += hex[byte & 0xF];
        }
    }
    return out;
}

/// Items that are new or changed since the last look, one JSON line each.
std::string changed_lines(const View& view, const json::value& page, std::map<std::string, std::string>& seen) {
    std::string out;
    std::map<std::string, std::string> now;
    const json::value* items = at_path(page, "items");
    if (items == nullptr || !items->is_array())
        return out;
    for (const json::value& item : items->get_array()) {
        const std::string name = raw_text(at_path(item, view.name_path));
        std::string line = json_line(item);
        const auto before = seen.find(name);
        if (before == seen.end() || before->second != line)
            out += line;
        now.emplace(name, std::move(line));
    }
    seen = std::move(now);
    return out;
}

int watch_list(Session& session, const View& view, const std::string& path, const Query& query) {
    std::map<std::string, std::string> seen;
    const bool redraw = session.io.out_terminal.tty && !session.is_json();
    while (session.io.out) {
        auto page = fetch_list(session, path, query);
        if (!page)
            return session.report(page.error());
        if (redraw) {
            auto text = list_text(view, *page, session.print_options());
            if (!text)
                return session.report(text.error());
            session.io.out << "\x1b[H\x1b[J" << *text << std::flush;
        } else {
            session.io.out << changed_lines(view, *page, seen) << std::flush;
        }
        std::this_thread::sleep_for(watch_interval);
    }
    return exit_code::ok;
}

Failure cannot_read(const std::string& file, int error) {
    const ErrorCode code = error == ENOENT ? ErrorCode::not_found : error == EACCES ? ErrorCode::denied : ErrorCode::invalid;
    return fail(code, "cannot read " + file + ": " + std::generic_category().message(error));
}

Failure too_large(const std::string& file, std::size_t most) {
    return fail(ErrorCode::too_large, file + " is larger than " + human_bytes(static_cast<std::int64_t>(most)));
}

} // namespace

std::string query_text(const Query& query) {
    std::string out;
    for (const auto& [name, value] : query)
        if (!value.empty())
            out += (out.empty() ? "?" : "&") + name + "=" + query_escape(value);
    return out;
}

Result<json::value> fetch_list(Session& session, const std::string& path, Query query) {
    const std::uint64_t most = session.globals.limit.value_or(UINT64_MAX);
    query.emplace_back("filter", session.globals.filter);
    json::array items;
    json::object whole;
    std::string after;
    do {
        Query page_query = query;
        // A filtered list costs the server a walk over everything: once, not once for every page.
        if (session.globals.filter.empty() || session.globals.limit)
            page_query.emplace_back("limit", std::to_string(std::min(page_size, most - items.size())));
        page_query.emplace_back("after", after);
        MAIL_TRY(json::value page, session.get(path + query_text(page_query)));
        json::value* rows = page.is_object() ? page.get_object().if_contains("items") : nullptr;
        if (rows == nullptr || !rows->is_array())
            return fail(ErrorCode::internal, "the server's answer holds no items", "is this maild? check --socket");
        for (json::value& row : rows->get_array())
            if (items.size() < most)
                items.push_back(std::move(row));
        const std::string next = raw_text(at_path(page, "next"));
        if (next == after)
            break;
        after = next;
    } while (!after.empty() && items.size() < most);
    whole["items"] = std::move(items);
    return json::value(std::move(whole));
}

int list_command(Session& session, const View& view, const std::string& path, const Query& query) {
    if (session.globals.watch)
        return watch_list(session, view, path, query);
    auto page = fetch_list(session, path, query);
    if (!page)
        return session.report(page.error());
    if (session.format() == Format::table && at_path(*page, "items")->get_array().empty())
        session.note("nothing found");
    return session.print(list_text(view, *page, session.print_options()));
}

Result<std::string> read_input(Session& session, const std::string& file, std::size_t most) {
    std::string content;
    if (file == "-") {
        std::string chunk(65536, '\0');
        while (session.io.in) {
            session.io.in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
            content.append(chunk, 0, static_cast<std::size_t>(session.io.in.gcount()));
            if (content.size() > most)
                return too_large("standard input", most);
        }
        return content;
    }
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return cannot_read(file, errno);
    struct stat info {};
    // A pipe such as bash's <(...) is a file to people; a directory or a device is not.
    const bool is_readable = ::fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode));
    if (!is_readable) {
        ::close(fd);
        return fail(ErrorCode::invalid, file + " is not a regular file");
    }
    ::fcntl(fd, F_SETFL, 0);
    std::string chunk(65536, '\0');
    ssize_t got = 0;
    while ((got = ::read(fd, chunk.data(), chunk.size())) > 0 && content.size() <= most)
        content.append(chunk, 0, static_cast<std::size_t>(got));
    const int error = got < 0 ? errno : 0;
    ::close(fd);
    if (error != 0)
        return cannot_read(file, error);
    if (content.size() > most)
        return too_large(file, most);
    return content;
}

Result<std::string> time_option(const Session& session, const Invocation& given, std::string_view option) {
    const std::string text = given.value(option);
    if (text.empty() || parse_rfc3339(text))
        return text;
    const auto ago = parse_duration(text);
    if (!ago)
        return fail(ErrorCode::usage, "--" + std::string(option) + " takes a span such as 2h or 3d, or a time such as 2026-01-31T12:00:00Z");
    return format_rfc3339(session.io.now() - *ago);
}

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

} // namespace mail::mailctl
