// Who may send with which address, and who may write to which group.
#include "common/base/text.hpp"
#include "common/schema/json.hpp"
#include "common/schema/kinds/alias.hpp"
#include "common/schema/kinds/group.hpp"
#include "maild/service/directory_state.hpp"
#include "maild/service/resolver.hpp"
#include "maild/store/store.hpp"

#include <algorithm>

namespace mail::service {
namespace {

bool has_account(const Resolution& resolution, store::AccountId account) {
    return std::any_of(resolution.mailboxes.begin(), resolution.mailboxes.end(),
                       [&](const MailboxPtr& mailbox) { return mailbox->account == account; });
}

std::string key_of(const std::string& text) {
    const auto address = parse_address(text);
    return address ? address_key(*address) : std::string();
}

std::string_view domain_part(std::string_view key) { return key.substr(std::min(key.rfind('@'), key.size() - 1) + 1); }

/// "example.org" and "*.example.org" (any depth below it) as in address_pattern_format.
bool covers_domain(std::string_view pattern, std::string_view domain) {
    if (pattern == "*" || pattern == domain)
        return true;
    return pattern.starts_with("*.") && domain.size() > pattern.size() - 1 && domain.ends_with(pattern.substr(1));
}

} // namespace

/// Who belongs to a group; of an address that is no group, nobody.
Result<ResolutionPtr> Directory::members(const std::string& group) {
    if (auto known = state_->memberships.find(group))
        return *known;
    const std::uint64_t read_at = state_->generation;
    Result<ResolutionPtr> out = fail(ErrorCode::not_found, "no such group");
    const auto entry = state_->store.resources().find_address_now(group);
    if (entry && entry->kind == "group") {
        MAIL_TRY(const auto address, parse_address(group));
        const auto config = state_->config.current();
        out = Resolver(*this, *config, Resolver::Mode::membership).run(address);
    }
    state_->memberships.put(group, out, read_at, state_->generation);
    return out;
}

/// `list` names the mailbox by one of its addresses, or a group that it belongs to.
bool Directory::grants(const std::vector<std::string>& list, const Mailbox& who) {
    return std::any_of(list.begin(), list.end(), [&](const std::string& key) {
        if (who.owns(key))
            return true;
        const auto group = members(key);
        return group && has_account(**group, who.account);
    });
}

bool Directory::covers(const std::vector<std::string>& patterns, const Mailbox& who) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        return pattern.find('@') == std::string::npos ? covers_domain(pattern, domain_part(who.key)) : grants({pattern}, who);
    });
}

SendRight Directory::right_at(const Mailbox& who, const std::string& key) {
    auto& resources = state_->store.resources();
    const auto entry = resources.find_address_now(key);
    if (!entry)
        return SendRight::none;
    if (entry->kind == "mailbox") {
        const auto mailbox = find(key);
        if (!mailbox)
            return SendRight::none;
        return grants((*mailbox)->send_as, who)          ? SendRight::as
               : grants((*mailbox)->send_on_behalf, who) ? SendRight::on_behalf
                                                         : SendRight::none;
    }
    const auto row = resources.get_now(entry->kind, entry->name);
    if (!row)
        return SendRight::none;
    if (entry->kind == "group") {
        const auto group = schema::decode<schema::Group>(row->name, std::string_view(row->spec));
        if (!group || !group->enabled)
            return SendRight::none;
        std::vector<std::string> as, on_behalf;
        std::transform(group->send_as.begin(), group->send_as.end(), std::back_inserter(as), key_of);
        std::transform(group->send_on_behalf.begin(), group->send_on_behalf.end(), std::back_inserter(on_behalf), key_of);
        return grants(as, who) ? SendRight::as : grants(on_behalf, who) ? SendRight::on_behalf : SendRight::none;
    }
    const auto alias = entry->kind == "alias" ? schema::decode<schema::Alias>(row->name, std::string_view(row->spec))
                                              : Result<schema::Alias>(fail(ErrorCode::not_found, "no alias"));
    const bool leads_here = alias && alias->enabled &&
                            std::any_of(alias->targets.begin(), alias->targets.end(),
                                        [&](const std::string& target) { return who.owns(key_of(target)); });
    return leads_here ? SendRight::own : SendRight::none;
}

SendRight Directory::send_right(const Mailbox& who, const Address& sender) {
    const std::string key = address_key(sender);
    if (who.owns(key))
        return SendRight::own;
    const auto config = state_->config.current();
    if (!config->is_local(domain_part(key)))
        return SendRight::none;
    SendRight best = right_at(who, key);
    // The ways of a recipient: a detail is dropped where the whole is nobody's, and domains rewrite.
    const Address plain = without_detail(sender);
    for (const Address& other : {plain, Resolver::rewritten(*config, sender), Resolver::rewritten(*config, plain)}) {
        const std::string other_key = address_key(other);
        if (best == SendRight::own || other_key == key)
            continue;
        best = std::max(best, who.owns(other_key) ? SendRight::own : right_at(who, other_key));
    }
    return best;
}

bool Directory::admits(const Resolution& resolution, const Writer& writer) {
    return std::all_of(resolution.rules.begin(), resolution.rules.end(),
                       [&](const GroupRule& rule) { return admits_one(rule, writer); });
}

bool Directory::admits_one(const GroupRule& rule, const Writer& writer) {
    const bool inside = writer.signed_in != nullptr || writer.trusted;
    if (rule.from == GroupRule::From::inside)
        return inside;
    // Whoever has not signed in may claim any sender; an address of ours is not believed then.
    const std::string sender = writer.sender ? address_key(*writer.sender) : std::string();
    const bool believed = !sender.empty() && (writer.trusted || !state_->config.current()->is_local(domain_part(sender)));
    const auto belongs = [&](const std::string& group) {
        const auto found = members(group);
        if (!found)
            return false;
        if (writer.signed_in && has_account(**found, writer.signed_in->account))
            return true;
        const auto is_sender = [&](const Address& address) { return address_key(address) == sender; };
        const auto owns_sender = [&](const MailboxPtr& mailbox) { return mailbox->owns(sender); };
        return believed && (std::any_of((*found)->remote.begin(), (*found)->remote.end(), is_sender) ||
                            std::any_of((*found)->mailboxes.begin(), (*found)->mailboxes.end(), owns_sender));
    };
    if (rule.from == GroupRule::From::members)
        return belongs(rule.group);
    return std::any_of(rule.listed.begin(), rule.listed.end(), [&](const std::string& entry) {
        if (entry == "<>")
            return !writer.sender;
        if (entry.find('@') == std::string::npos)
            return (believed && covers_domain(entry, domain_part(sender))) ||
                   (writer.signed_in && covers_domain(entry, domain_part(writer.signed_in->key)));
        return (writer.signed_in && writer.signed_in->owns(entry)) || (believed && entry == sender) || belongs(entry);
    });
}

} // namespace mail::service
