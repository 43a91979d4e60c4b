// Metadata of folders and of the server: GETMETADATA, SETMETADATA (RFC 5464), and what LIST returns of it (RFC 9590).
#include "maild/imap/connection.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/envelope.hpp"
#include "maild/imap/proto/response.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

using Depth = MetadataArguments::Depth;
using Metadata = service::Mailboxes::Metadata;

// Is `name` the asked entry, or below it as far as the depth goes?
bool is_asked(std::string_view name, std::string_view asked, Depth depth) {
    if (text::iequals(name, asked))
        return true;
    if (depth == Depth::zero || !text::istarts_with(name, asked) || name.size() <= asked.size() || name[asked.size()] != '/')
        return false;
    return depth == Depth::infinity || name.find('/', asked.size() + 1) == std::string_view::npos;
}

struct Chosen {
    std::vector<std::pair<std::string, std::optional<std::string>>> entries;
    std::size_t longest = 0; ///< of the values left out for their size
};

Chosen choose(const Metadata& all, const MetadataArguments& arguments) {
    Chosen out;
    for (const auto& [asked, unused] : arguments.entries) {
        bool found = false;
        for (const auto& [name, value] : all) {
            if (!is_asked(name, asked, arguments.depth))
                continue;
            found = true;
            if (arguments.max_size && value.size() > *arguments.max_size)
                out.longest = std::max(out.longest, value.size());
            else
                out.entries.emplace_back(name, value);
        }
        if (!found)
            out.entries.emplace_back(asked, std::nullopt); // there is none
    }
    return out;
}

Reply refused(const Error& error) {
    auto reply = Reply::no(error);
    if (error.code == ErrorCode::too_large) // RFC 5464 §4.3
        reply.code = "METADATA MAXSIZE " + std::to_string(limit::metadata_bytes);
    else if (error.code == ErrorCode::over_quota)
        reply.code = "METADATA TOOMANY";
    return reply;
}

} // namespace

void Session::append_metadata(std::string_view mailbox,
                              std::span<const std::pair<std::string, std::optional<std::string>>> entries) {
    out_ += "* METADATA ";
    append_mailbox(out_, mailbox, utf8());
    char before = '(';
    out_ += ' ';
    for (const auto& [name, value] : entries) {
        out_ += before;
        before = ' ';
        append_astring(out_, name);
        out_ += ' ';
        if (!value) {
            out_ += "NIL";
        } else if (value->find('\0') != std::string::npos) {
            append_literal_header(out_, value->size(), true);
            out_ += *value;
        } else {
            append_string(out_, *value, utf8());
        }
    }
    say(")");
}

Task<Reply> Session::cmd_getmetadata(const Command& command) {
    const auto& arguments = std::get<MetadataArguments>(command.body);
    store::Folder folder; // id 0: the server
    if (!arguments.mailbox.empty()) {
        auto found = co_await find_folder(arguments.mailbox);
        if (!found)
            co_return Reply::no(found.error());
        folder = std::move(*found);
    }
    const auto all = co_await services_.mailboxes.metadata(account(), folder.id);
    if (!all)
        co_return Reply::no(all.error());
    const auto chosen = choose(*all, arguments);
    if (!chosen.entries.empty())
        append_metadata(folder.name, chosen.entries);
    if (chosen.longest != 0)
        co_return Reply::ok("GETMETADATA completed", "METADATA LONGENTRIES " + std::to_string(chosen.longest));
    co_return Reply::ok("GETMETADATA completed");
}

Task<Reply> Session::cmd_setmetadata(const Command& command) {
    const auto& arguments = std::get<MetadataArguments>(command.body);
    store::FolderId folder = 0;
    if (!arguments.mailbox.empty()) {
        const auto found = co_await find_folder(arguments.mailbox);
        if (!found)
            co_return Reply::no(found.error());
        folder = found->id;
    }
    const auto done = co_await services_.mailboxes.set_metadata(account(), folder, arguments.entries);
    if (!done)
        co_return refused(done.error());
    co_return Reply::ok("SETMETADATA completed");
}

// RFC 9590 §3: one METADATA response beside each LIST response.
Task<Result<void>> Session::list_metadata(const store::Folder& folder, const std::vector<std::string>& asked) {
    const auto all = co_await services_.mailboxes.metadata(account(), folder.id);
    if (!all && all.error().code == ErrorCode::denied)
        co_return Result<void>{}; // it may be seen, but nothing more
    if (!all)
        co_return fail(all.error());
    MetadataArguments arguments;
    for (const auto& name : asked)
        arguments.entries.emplace_back(name, std::nullopt);
    const auto chosen = choose(*all, arguments);
    append_metadata(folder.name, chosen.entries);
    co_return Result<void>{};
}

} // namespace mail::imap
