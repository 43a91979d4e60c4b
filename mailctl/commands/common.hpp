// Steps that several commands share: reading lists page by page, building queries, showing and following them,
// reading files and standard input within bounds.
#pragma once

#include "mailctl/command.hpp"
#include "mailctl/session.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <utility>
#include <vector>

namespace mail::mailctl {

using Query = std::vector<std::pair<std::string, std::string>>;

/// "?a=1&b=x%20y" of the members that are not empty; "" when none is.
[[nodiscard]] std::string query_text(const Query& query);
/// {"items": [...]} of all pages of `path`, or of the first --limit items.
[[nodiscard]] Result<boost::json::value> fetch_list(Session& session, const std::string& path, Query query);
/// Prints the list at `path`; with --watch again whenever it changes, until interrupted.
int list_command(Session& session, const View& view, const std::string& path, const Query& query);
/// What `file` holds; "-" is standard input. Errors: not_found, invalid (no regular file), too_large.
[[nodiscard]] Result<std::string> read_input(Session& session, const std::string& file, std::size_t most);
/// The time that an option means: "2h" is two hours ago, a time stands for itself, "" when it was not given.
[[nodiscard]] Result<std::string> time_option(const Session& session, const Invocation& given, std::string_view option);
/// "1 mailbox", "2 mailboxes".
[[nodiscard]] std::string counted(std::uint64_t count, const std::string& one, const std::string& many);

} // namespace mail::mailctl
