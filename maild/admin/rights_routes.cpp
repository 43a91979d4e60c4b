// Folders of a mailbox and who may do what in them: GET .../folders, GET .../rights, POST .../actions/grant and revoke. The
// owner's rights to administer its folders are used, so everything goes through the service's one function.
#include "common/base/text.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/reply.hpp"
#include "maild/service/mailboxes.hpp"

#include <array>
#include <boost/json.hpp>

namespace mail::admin {
namespace json = boost::json;
namespace {

constexpr std::array<std::string_view, 9> special_uses = {"", "inbox", "drafts", "sent", "trash", "junk", "archive", "all", "flagged"};

// Sets of rights by what people want; letters of RFC 4314 are taken as well.
struct NamedRights {
    std::string_view name;
    std::string_view letters;
};
constexpr std::array<NamedRights, 6> named_rights{{{"see", "l"},
                                                   {"read", "lrs"},
                                                   {"write", "lrswite"},
                                                   {"manage", "lrswipkxte"},
                                                   {"full", "lrswipkxtea"},
                                                   {"all", "lrswipkxtea"}}}; // would else be read as "a" and "l"

Result<service::RightSet> rights_of(const json::object& body) {
    const auto* given = body.if_contains("rights");
    if (given == nullptr || !given->is_string())
        return fail(ErrorCode::invalid, "the request has no rights");
    std::string letters(given->get_string());
    for (const auto& named : named_rights)
        if (letters == named.name)
            letters = named.letters;
    const auto rights = service::parse_rights(letters);
    if (!rights || *rights == 0)
        return fail(ErrorCode::invalid, text::escape(letters, 64) + " are no rights",
                    "see, read, write, manage, full, or letters of lrswipkxtea");
    return *rights;
}

json::object folder_json(const store::Folder& folder) {
    json::object out;
    out["name"] = folder.name;
    out["special_use"] = nullptr;
    if (folder.special_use != store::SpecialUse::none)
        out["special_use"] = special_uses[static_cast<std::size_t>(folder.special_use)];
    out["messages"] = folder.messages;
    out["unseen"] = folder.unseen;
    out["bytes"] = folder.bytes;
    return out;
}

} // namespace

// The mail folders of one mailbox, or the one named.
Task<Result<std::vector<store::Folder>>> Api::own_folders(store::AccountId owner, std::string name) {
    if (services_.mailboxes == nullptr)
        co_return fail(ErrorCode::not_found, "this server has no mail to look at");
    if (!name.empty()) {
        MAIL_CO_TRY(auto folder, co_await services_.mailboxes->find(owner, std::move(name)));
        std::vector<store::Folder> one;
        one.push_back(std::move(folder));
        co_return one;
    }
    MAIL_CO_TRY(auto folders, co_await services_.store.mail().folders(owner));
    std::erase_if(folders, [](const auto& folder) { return folder.folder_class != store::FolderClass::mail; });
    co_return folders;
}

Task<net::HttpResponse> Api::mailbox_folders(std::string name) {
    const auto owner = co_await services_.store.mail().find_account(name);
    if (!owner)
        co_return problem_reply(Error{ErrorCode::not_found, "mailbox " + name + " does not exist", ""});
    const auto folders = co_await own_folders(*owner, std::string());
    if (!folders)
        co_return problem_reply(folders.error());
    json::array items;
    for (const auto& folder : *folders)
        items.push_back(folder_json(folder));
    co_return json_reply(json::object{{"items", std::move(items)}, {"next", nullptr}});
}

Task<net::HttpResponse> Api::mailbox_rights(std::string name, const net::HttpRequest& request) {
    const auto known = check_query(request, {"folder", "limit"});
    if (!known)
        co_return problem_reply(known.error());
    const auto owner = co_await services_.store.mail().find_account(name);
    if (!owner)
        co_return problem_reply(Error{ErrorCode::not_found, "mailbox " + name + " does not exist", ""});
    const auto folders = co_await own_folders(*owner, std::string(request.parameter("folder")));
    if (!folders)
        co_return problem_reply(folders.error());
    json::array items;
    for (const auto& folder : *folders) {
        const auto entries = co_await services_.mailboxes->access(*owner, folder.id);
        if (!entries)
            co_return problem_reply(entries.error());
        for (const auto& entry : *entries)
            items.push_back(json::object{{"folder", folder.name},
                                         {"identifier", (entry.negative ? "-" : "") + entry.identifier},
                                         {"rights", service::rights_text(entry.rights)}});
    }
    co_return json_reply(json::object{{"items", std::move(items)}, {"next", nullptr}});
}

// {"to": "bob@example.org", "rights": "read", "folder": "INBOX"}; no folder: all of them.
Task<net::HttpResponse> Api::change_rights(std::string name, const net::HttpRequest& request, bool grant) {
    auto body = read_body(request, grant ? std::vector<std::string>{"to", "rights", "folder"} : std::vector<std::string>{"to", "folder"});
    if (!body)
        co_return problem_reply(body.error());
    const auto to = member(*body, "to");
    if (to.empty())
        co_return problem_reply(Error{ErrorCode::invalid, "the request does not say to whom", "give the address of a mailbox, or anyone"});
    service::RightSet rights = 0;
    if (grant) {
        const auto wanted = rights_of(*body);
        if (!wanted)
            co_return problem_reply(wanted.error());
        rights = *wanted;
    }
    const auto owner = co_await services_.store.mail().find_account(name);
    if (!owner)
        co_return problem_reply(Error{ErrorCode::not_found, "mailbox " + name + " does not exist", ""});
    const auto folders = co_await own_folders(*owner, member(*body, "folder"));
    if (!folders)
        co_return problem_reply(folders.error());
    const auto how = grant ? service::AccessChange::replace : service::AccessChange::forget;
    for (const auto& folder : *folders) {
        const auto done = co_await services_.mailboxes->change_access(*owner, folder.id, to, how, rights);
        if (!done)
            co_return problem_reply(done.error());
    }
    co_return json_reply(json::object{{"changed", folders->size()}, {"rights", service::rights_text(rights)}});
}

} // namespace mail::admin
