// What hangs on one mailbox: its mail (mail_routes.hpp), who is signed in to it, and ending that.
#include "common/base/log.hpp"
#include "common/mail/address.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/reply.hpp"
#include "maild/service/directory.hpp"
#include "maild/service/sign_in.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace json = boost::json;

Result<service::MailboxPtr> Api::mailbox(const std::string& name) const {
    if (services_.mailboxes == nullptr || services_.directory == nullptr || services_.sign_in == nullptr)
        return fail(ErrorCode::unavailable, "this server serves no mailboxes");
    const auto address = parse_address(name);
    auto found = address ? services_.directory->find(address_key(*address)) : Result<service::MailboxPtr>(fail(address.error()));
    if (!found)
        return fail(ErrorCode::not_found, "mailbox " + name + " does not exist");
    return found;
}

Task<net::HttpResponse> Api::mail(const net::HttpRequest& request) {
    auto owner = mailbox(request.segments[2]);
    if (!owner)
        co_return problem_reply(owner.error());
    // The mailbox may have changed (its quota) since the last request.
    if (!mail_ || mail_->owner() != *owner)
        mail_ = std::make_unique<MailRoutes>(services_.store, *services_.mailboxes, std::move(*owner));
    co_return co_await mail_->handle(request);
}

net::HttpResponse Api::sessions(const std::string& name) const {
    const auto owner = mailbox(name);
    if (!owner)
        return problem_reply(owner.error());
    json::array items;
    for (const auto& session : services_.sign_in->sessions((*owner)->key))
        items.push_back(json::object{{"id", session.who.session},
                                     {"protocol", service::protocol_name(session.who.protocol)},
                                     {"peer", session.who.peer},
                                     {"since", format_rfc3339(session.since)},
                                     {"tls", session.who.tls}});
    json::object out;
    out["items"] = std::move(items);
    return json_reply(out);
}

net::HttpResponse Api::kick(const std::string& name, const net::HttpRequest& request) const {
    const auto owner = mailbox(name);
    if (!owner)
        return problem_reply(owner.error());
    const auto body = read_body(request, {"session", "dry_run"});
    if (!body)
        return problem_reply(body.error());
    const auto* session = body->if_contains("session");
    const auto* dry_run = body->if_contains("dry_run");
    if ((session != nullptr && !session->is_string()) || (dry_run != nullptr && !dry_run->is_bool()))
        return problem_reply(Error{ErrorCode::invalid, "session is a text, dry_run true or false", ""});
    const std::string id = session != nullptr ? std::string(session->get_string()) : std::string();
    std::size_t count = 0;
    for (const auto& each : services_.sign_in->sessions((*owner)->key))
        count += id.empty() || each.who.session == id ? 1U : 0U;
    if (!id.empty() && count == 0)
        return problem_reply(Error{ErrorCode::not_found, "this mailbox has no such session", "see: mailctl mailbox sessions " + name});
    if (dry_run == nullptr || !dry_run->get_bool())
        count = services_.sign_in->end_sessions((*owner)->key, id);
    return json_reply(json::object{{"ended", count}});
}

} // namespace mail::admin
