#include "maild/admin/mail_routes.hpp"

#include "common/api/message_batch.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "maild/admin/reply.hpp"
#include "maild/service/quota.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <map>

namespace mail::admin {
namespace json = boost::json;
namespace {

constexpr std::size_t export_bytes = 8U << 20U; ///< of one answer, unless its first message is larger
constexpr std::size_t export_messages_at_once = 1000;
constexpr std::size_t verify_at_once = 200;
constexpr std::string_view state_prefix = "transfer/";

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 5> system_flags{{{"\\Seen", store::flag::seen},
                                                                                 {"\\Answered", store::flag::answered},
                                                                                 {"\\Flagged", store::flag::flagged},
                                                                                 {"\\Deleted", store::flag::deleted},
                                                                                 {"\\Draft", store::flag::draft}}};
constexpr std::array special_uses{"", "inbox", "drafts", "sent", "trash", "junk", "archive", "all", "flagged"};

/// RFC 9051 §9 atom, without "]" which would end a FLAGS code.
bool is_keyword(std::string_view word) {
    return !word.empty() && word.size() <= static_cast<std::size_t>(limit::keyword_bytes) &&
           std::all_of(word.begin(), word.end(), [](char c) {
               return c > ' ' && c < 0x7F && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
           });
}

struct Flags {
    std::uint8_t system = 0;
    std::vector<std::string> keywords;
};

/// \Recent and system flags that are unknown here are left out; they mean nothing in another server (RFC 9051 §2.3.2).
Result<Flags> read_flags(const std::vector<std::string>& words) {
    Flags out;
    for (const auto& word : words) {
        const auto at = std::find_if(system_flags.begin(), system_flags.end(),
                                     [&](const auto& row) { return text::iequals(row.first, word); });
        if (at != system_flags.end())
            out.system |= at->second;
        else if (is_keyword(word))
            out.keywords.push_back(word);
        else if (!word.starts_with('\\'))
            return fail(ErrorCode::invalid, text::escape(word, 64) + " cannot be a flag");
    }
    if (out.keywords.size() > static_cast<std::size_t>(limit::keywords_per_item))
        return fail(ErrorCode::too_large, "too many keywords on one message");
    return out;
}

std::vector<std::string> flag_words(std::uint8_t system, std::string_view keywords) {
    std::vector<std::string> out;
    for (const auto& [word, bit] : system_flags)
        if ((system & bit) != 0)
            out.emplace_back(word);
    for (const auto keyword : text::split(keywords, ' '))
        if (!keyword.empty())
            out.emplace_back(keyword);
    return out;
}

json::object folder_json(const store::Folder& folder) {
    json::object out;
    out["name"] = folder.name;
    out["special_use"] = special_uses[static_cast<std::size_t>(folder.special_use)];
    out["messages"] = folder.messages;
    out["unseen"] = folder.unseen;
    out["bytes"] = folder.bytes;
    out["uid_validity"] = folder.uid_validity;
    out["uid_next"] = folder.uid_next;
    return out;
}

Result<store::Uid> uid_parameter(const net::HttpRequest& request) {
    const auto word = request.parameter("after");
    if (word.empty())
        return store::Uid{0};
    const auto uid = text::number<store::Uid>(word);
    if (!uid)
        return fail(ErrorCode::invalid, "after is no UID");
    return *uid;
}

net::HttpResponse batch_reply(std::string body) {
    net::HttpResponse out;
    out.headers.set("Content-Type", api::message_batch_type);
    out.body = std::move(body);
    return out;
}

Result<std::vector<service::MailImport::Message>> read_batch(std::string_view body) {
    std::vector<service::MailImport::Message> out;
    api::BatchReader reader(body);
    for (;;) {
        MAIL_TRY(auto next, reader.next());
        if (!next)
            return out;
        if (next->bytes.empty() || !next->date)
            return fail(ErrorCode::invalid, "a message of the batch is empty or has no date");
        if (next->bytes.size() > static_cast<std::size_t>(limit::message_bytes))
            return fail(ErrorCode::too_large, "a message of the batch is larger than this server takes");
        MAIL_TRY(auto flags, read_flags(next->flags));
        out.push_back({next->bytes, flags.system, std::move(flags.keywords), *next->date, next->copy});
    }
}

} // namespace

bool MailRoutes::takes_batch(const net::HttpRequest& head) {
    const auto& path = head.segments;
    return path.size() == 5 && path[1] == "mailboxes" && path[3] == "mail" && path[4] != "verify";
}

Task<net::HttpResponse> MailRoutes::handle(const net::HttpRequest& request) {
    const std::string what = request.segments.size() > 4 ? request.segments[4] : "";
    const bool get = request.method == "GET", post = request.method == "POST", put = request.method == "PUT";
    if (get && what.empty())
        co_return co_await summary();
    if (post && what == "import")
        co_return co_await import(request);
    if (get && what == "export")
        co_return co_await export_messages(request);
    if (post && what == "flags")
        co_return co_await change_flags(request);
    if (get && what == "state")
        co_return co_await state(request);
    if (put && what == "state")
        co_return co_await put_state(request);
    if (get && what == "verify")
        co_return co_await verify(request);
    co_return problem_reply(Error{ErrorCode::not_found, "there is nothing at this path of a mailbox", ""});
}

Task<net::HttpResponse> MailRoutes::summary() {
    const auto folders = co_await mailboxes_.folders(owner_->account);
    if (!folders)
        co_return problem_reply(folders.error());
    json::array items;
    std::uint64_t bytes = 0, messages = 0;
    for (const auto& folder : *folders) {
        if (folder.account != owner_->account)
            continue; // shared with this mailbox, but not in it
        items.push_back(folder_json(folder));
        bytes += folder.bytes;
        messages += folder.messages;
    }
    json::object out;
    out["name"] = owner_->address;
    out["bytes"] = bytes;
    out["messages"] = messages;
    out["quota"] = owner_->quota;
    out["quota_warn"] = owner_->quota_warn;
    out["quota_send"] = owner_->quota_send;
    out["quota_stage"] = name_of(service::quota_stage(*owner_, bytes));
    out["items"] = std::move(items);
    co_return json_reply(out);
}

Task<net::HttpResponse> MailRoutes::import(const net::HttpRequest& request) {
    const auto known = check_query(request, {"folder", "dry_run"});
    if (!known)
        co_return problem_reply(known.error());
    const bool dry_run = request.parameter("dry_run") == "1";
    auto messages = read_batch(request.body);
    if (!messages)
        co_return problem_reply(messages.error());
    auto folder = co_await import_.folder(std::string(request.parameter("folder")), dry_run);
    if (!folder)
        co_return problem_reply(folder.error());
    json::object out;
    if (!*folder) {
        out["added"] = messages->size();
        co_return json_reply(out);
    }
    const auto outcome = co_await import_.add((*folder)->id, std::move(*messages), dry_run);
    if (!outcome)
        co_return problem_reply(outcome.error());
    json::array uids;
    for (const auto uid : outcome->uids)
        uids.emplace_back(uid);
    out["folder"] = (*folder)->name;
    out["uid_validity"] = (*folder)->uid_validity;
    out["added"] = outcome->added;
    out["uids"] = std::move(uids);
    co_return json_reply(out);
}

Task<Result<MailRoutes::Place>> MailRoutes::place(const net::HttpRequest& request) {
    MAIL_CO_DO(check_query(request, {"folder", "after"}));
    Place out;
    MAIL_CO_TRY(out.after, uid_parameter(request));
    MAIL_CO_TRY(out.folder, co_await snapshot(std::string(request.parameter("folder"))));
    co_return out;
}

Task<Result<service::SnapshotPtr>> MailRoutes::snapshot(std::string folder) {
    MAIL_CO_TRY(const auto found, co_await mailboxes_.find(owner_->account, std::move(folder)));
    if (!open_ || open_->id() != found.id || open_->is_gone()) {
        MAIL_CO_TRY(open_, co_await mailboxes_.open(owner_->account, found.id));
    }
    co_return open_->current();
}

Task<Result<std::string>> MailRoutes::batch_after(service::SnapshotPtr snapshot, store::Uid after) {
    std::string out;
    const auto begin = snapshot->find(after + 1).position;
    if (after == UINT32_MAX || begin >= snapshot->size())
        co_return out;
    // As many as surely fit, so that where they lie is looked up once.
    std::uint32_t end = begin;
    for (std::size_t bytes = 0; end < snapshot->size() && end - begin < export_messages_at_once; ++end) {
        bytes += snapshot->at(end).size;
        if (bytes > export_bytes && end > begin)
            break;
    }
    const store::UidSet uids{{snapshot->uid_at(begin), snapshot->uid_at(end - 1)}};
    MAIL_CO_TRY(const auto bodies, co_await mailboxes_.bodies(owner_->account, snapshot->folder().id, uids, end - begin));
    for (const auto& body : bodies) {
        const auto place = snapshot->find(body.uid);
        if (!place.found)
            continue;
        const auto item = snapshot->at(place.position);
        MAIL_CO_TRY(const auto bytes, co_await mailboxes_.read(body));
        api::BatchMessage message;
        message.bytes = bytes;
        message.date = item.internal_date;
        message.flags = flag_words(item.flags, snapshot->keywords(item.keywords));
        message.uid = body.uid;
        api::append_message(out, message);
    }
    co_return out;
}

Task<net::HttpResponse> MailRoutes::export_messages(const net::HttpRequest& request) {
    const auto from = co_await place(request);
    if (!from)
        co_return problem_reply(from.error());
    auto batch = co_await batch_after(from->folder, from->after);
    if (!batch)
        co_return problem_reply(batch.error());
    co_return batch_reply(std::move(*batch));
}

Task<Result<void>> MailRoutes::apply_flags(store::FolderId folder, const json::array& changes) {
    // Items that get the same flags are changed together: one durable transaction for all of them.
    std::map<std::vector<std::string>, std::vector<store::Uid>> uids_of;
    for (const auto& each : changes) {
        const auto* uid = each.is_object() ? each.get_object().if_contains("uid") : nullptr;
        const auto* flags = each.is_object() ? each.get_object().if_contains("flags") : nullptr;
        if (uid == nullptr || flags == nullptr || !uid->is_int64() || uid->get_int64() <= 0 || uid->get_int64() > UINT32_MAX ||
            !flags->is_array())
            co_return fail(ErrorCode::invalid, "a change names no uid or no flags");
        std::vector<std::string> words;
        for (const auto& flag : flags->get_array())
            words.emplace_back(flag.is_string() ? std::string(flag.get_string()) : std::string("?"));
        uids_of[std::move(words)].push_back(static_cast<store::Uid>(uid->get_int64()));
    }
    for (auto& [words, uids] : uids_of) {
        MAIL_CO_TRY(auto wanted, read_flags(words));
        std::sort(uids.begin(), uids.end());
        store::FlagChange change;
        change.folder = folder;
        for (const auto uid : uids) {
            if (!change.uids.empty() && change.uids.back().last + 1 >= uid)
                change.uids.back().last = uid;
            else
                change.uids.push_back({uid, uid});
        }
        change.operation = store::FlagOperation::replace;
        change.flags = wanted.system;
        change.keywords = std::move(wanted.keywords);
        MAIL_CO_DO(co_await mailboxes_.change_flags(owner_->account, std::move(change)));
    }
    co_return Result<void>{};
}

Task<net::HttpResponse> MailRoutes::change_flags(const net::HttpRequest& request) {
    auto body = read_body(request, {"folder", "changes"});
    if (!body)
        co_return problem_reply(body.error());
    const auto* name = body->if_contains("folder");
    const auto* changes = body->if_contains("changes");
    if (name == nullptr || !name->is_string() || changes == nullptr || !changes->is_array())
        co_return problem_reply(Error{ErrorCode::invalid, "the request names no folder or no changes", ""});
    const auto folder = co_await mailboxes_.find(owner_->account, std::string(name->get_string()));
    if (!folder)
        co_return problem_reply(folder.error());
    const auto done = co_await apply_flags(folder->id, changes->get_array());
    if (!done)
        co_return problem_reply(done.error());
    co_return json_reply(json::object{{"changed", changes->get_array().size()}});
}

Task<net::HttpResponse> MailRoutes::state(const net::HttpRequest& request) {
    const auto attributes = co_await store_.mail().attributes(owner_->account, 0);
    if (!attributes)
        co_return problem_reply(attributes.error());
    const std::string name = std::string(state_prefix) + std::string(request.parameter("name"));
    json::object out;
    out["value"] = nullptr;
    for (const auto& attribute : *attributes)
        if (attribute.name == name)
            out["value"] = attribute.value;
    co_return json_reply(out);
}

Task<net::HttpResponse> MailRoutes::put_state(const net::HttpRequest& request) {
    auto body = read_body(request, {"name", "value"});
    if (!body)
        co_return problem_reply(body.error());
    const auto* name = body->if_contains("name");
    const auto* value = body->if_contains("value");
    if (name == nullptr || !name->is_string() || name->get_string().empty() || name->get_string().size() > 512 ||
        value == nullptr || !value->is_string())
        co_return problem_reply(Error{ErrorCode::invalid, "the request has no name or no value", ""});
    std::vector<store::AttributeChange> changes;
    changes.push_back({std::string(state_prefix) + std::string(name->get_string()), std::string(value->get_string())});
    const auto kept = co_await store_.mail().put_attributes(owner_->account, 0, std::move(changes));
    co_return kept ? json_reply(json::object{}) : problem_reply(kept.error());
}

Task<net::HttpResponse> MailRoutes::verify(const net::HttpRequest& request) {
    const auto from = co_await place(request);
    if (!from)
        co_return problem_reply(from.error());
    const store::UidSet uids{{from->after == UINT32_MAX ? from->after : from->after + 1, UINT32_MAX}};
    const auto bodies = co_await mailboxes_.bodies(owner_->account, from->folder->folder().id, uids, verify_at_once);
    if (!bodies)
        co_return problem_reply(bodies.error());
    json::array damaged;
    std::uint64_t bytes = 0;
    for (const auto& body : *bodies) {
        const auto held = co_await mailboxes_.read(body); // the whole of it is checked against its checksum
        if (!held)
            damaged.push_back(json::object{{"uid", body.uid}, {"reason", held.error().message}});
        else
            bytes += held->size();
    }
    json::object out;
    out["checked"] = bodies->size();
    out["bytes"] = bytes;
    out["damaged"] = std::move(damaged);
    out["next"] = nullptr;
    if (bodies->size() == verify_at_once)
        out["next"] = bodies->back().uid;
    co_return json_reply(out);
}

} // namespace mail::admin
