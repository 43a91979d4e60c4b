#include "maild/service/resolver.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/schema/json.hpp"
#include "common/schema/kinds/alias.hpp"
#include "common/schema/kinds/group.hpp"
#include "common/schema/rewrite.hpp"
#include "maild/service/directory_state.hpp"
#include "maild/store/store.hpp"

namespace mail::service {
namespace {

const schema::Domain* domain_of(const ConfigSnapshot& config, const Address& address) {
    const auto key = domain_key(address.domain);
    const auto found = key ? config.domains.find(*key) : config.domains.end();
    return found == config.domains.end() ? nullptr : &found->second;
}

std::optional<Address> by_rules(const schema::Domain& domain, const Address& address) {
    for (const auto& text : domain.rewrite) {
        const auto rule = schema::parse_rewrite(text);
        auto out = rule ? schema::apply_rewrite(*rule, address) : std::nullopt;
        if (out)
            return address_key(*out) == address_key(address) ? std::nullopt : out;
    }
    return std::nullopt;
}

} // namespace

Address Directory::Resolver::rewritten(const ConfigSnapshot& config, const Address& address) {
    Address at = address;
    for (std::int64_t steps = 0; steps < limit::alias_depth; ++steps) {
        const schema::Domain* domain = domain_of(config, at);
        if (domain == nullptr)
            break;
        if (auto next = by_rules(*domain, at))
            at = std::move(*next);
        else if (!domain->alias_of.empty())
            at.domain = domain->alias_of;
        else
            break;
    }
    return at;
}

Result<ResolutionPtr> Directory::Resolver::run(const Address& address) {
    open_.push_back({address, 0, 0, true});
    while (!open_.empty()) {
        const Open next = std::move(open_.back());
        open_.pop_back();
        std::string key = address_key(next.address);
        if (!seen_.insert(key).second) {
            find_circle(key, next.parent); // reached by two ways, or a loop: once is enough
            continue;
        }
        if (seen_.size() > limit::expanded_recipients || next.depth > limit::alias_depth)
            return fail(ErrorCode::invalid, "the address leads to too many others",
                        "look at it with: mailctl group expand " + address.text());
        nodes_.push_back({std::move(key), next.parent});
        node_ = nodes_.size() - 1;
        const auto followed = follow(next);
        // The address itself must lead somewhere; a stale member of a group only loses its own copy.
        if (!followed && (next.depth == 0 || followed.error().code != ErrorCode::not_found))
            return fail(followed.error());
        if (!followed)
            note(How::missing, next.address.text());
    }
    if (!out_->mailboxes.empty() || !out_->remote.empty())
        return ResolutionPtr(std::move(out_));
    if (!circle_.empty())
        return fail(ErrorCode::invalid, "mail to it goes in a circle: " + circle_);
    return fail(disabled_ ? ErrorCode::denied : ErrorCode::not_found,
                disabled_ ? "the mailbox is disabled" : "no such recipient");
}

Result<void> Directory::Resolver::follow(const Open& open) {
    const schema::Domain* domain = domain_of(config_, open.address);
    if (domain == nullptr) {
        add_remote(open, How::outside);
        return {};
    }
    if (open.depth == 0)
        out_->is_local_domain = true;
    if (!domain->enabled)
        return fail(ErrorCode::temporary, "mail for this domain is not taken at the moment");
    if (open.depth == 0 && Srs::is_srs(open.address.local))
        return follow_report(open);
    if (rewrite(open, *domain))
        return {};
    if (domain->type == "external_relay") {
        add_remote(open, How::relay);
        return {};
    }
    auto reached = lookup(open, address_key(open.address));
    if (!reached && reached.error().code == ErrorCode::not_found && !detail_of(open.address).empty()) {
        const Address plain = without_detail(open.address);
        reached = lookup(open, address_key(plain));
        if (reached)
            note(How::detail, open.address.text(), plain.text());
    }
    if (!reached && reached.error().code == ErrorCode::not_found)
        reached = last_resort(open, *domain);
    return reached;
}

/// A report about mail that was forwarded here goes on to who sent that.
Result<void> Directory::Resolver::follow_report(const Open& open) {
    auto sender = directory_.state_->srs.reverse(open.address, system_clock().now());
    if (!sender)
        return fail(ErrorCode::not_found, sender.error().message);
    out_->only_reports = true;
    lead(open, How::report, std::move(*sender), false);
    return {};
}

bool Directory::Resolver::rewrite(const Open& open, const schema::Domain& domain) {
    if (domain.rewrite.empty())
        return false;
    auto to = by_rules(domain, open.address);
    if (!to)
        return false;
    lead(open, How::rewrite, std::move(*to), open.addressed);
    return true;
}

Result<void> Directory::Resolver::lookup(const Open& open, const std::string& key) {
    auto& resources = directory_.state_->store.resources();
    MAIL_TRY(const auto entry, resources.find_address_now(key));
    if (entry.kind == "mailbox") {
        MAIL_TRY(const auto mailbox, directory_.find(key));
        add_mailbox(open, mailbox);
        return {};
    }
    MAIL_TRY(const auto row, resources.get_now(entry.kind, entry.name));
    if (entry.kind == "alias") {
        MAIL_TRY(const auto alias, schema::decode<schema::Alias>(row.name, std::string_view(row.spec)));
        expand(open, How::alias, row.name, alias.targets, alias.enabled);
        return {};
    }
    if (entry.kind != "group")
        return fail(ErrorCode::not_found, "no such recipient");
    MAIL_TRY(auto group, schema::decode<schema::Group>(row.name, std::string_view(row.spec)));
    if (open.addressed && group.accept_from != "anyone") {
        const auto from = group.accept_from == "inside"    ? GroupRule::From::inside
                          : group.accept_from == "members" ? GroupRule::From::members
                                                           : GroupRule::From::listed;
        out_->rules.push_back({row.name, from, std::move(group.senders)});
    }
    expand(open, How::group, row.name, group.members, group.enabled);
    return {};
}

void Directory::Resolver::expand(const Open& open, How how, const std::string& name,
                                 const std::vector<std::string>& members, bool enabled) {
    if (!enabled) {
        disabled_ = true;
        note(How::disabled, name);
        return;
    }
    // Last in, first out: the list is followed in its own order.
    for (auto member = members.rbegin(); member != members.rend(); ++member)
        if (auto address = parse_address(*member))
            lead(open, how, std::move(*address), open.addressed && how == How::alias);
}

void Directory::Resolver::add_mailbox(const Open& open, const MailboxPtr& mailbox) {
    if (!mailbox->enabled && mode_ == Mode::delivery) {
        disabled_ = true;
        note(How::disabled, mailbox->address);
        return;
    }
    const bool kept = mode_ == Mode::membership || !mailbox->forward_only || mailbox->forward.empty();
    if (kept && accounts_.insert(mailbox->account).second) {
        out_->mailboxes.push_back(mailbox);
        note(How::mailbox, open.address.text(), mailbox->address);
    }
    if (mode_ == Mode::membership)
        return;
    for (const auto& target : mailbox->forward)
        if (auto address = parse_address(target))
            lead(open, How::forward, std::move(*address), false);
}

void Directory::Resolver::add_remote(const Open& open, How how) {
    note(how, open.address.text());
    out_->remote.push_back({open.address, how == How::outside && open.depth > 0});
}

Result<void> Directory::Resolver::last_resort(const Open& open, const schema::Domain& domain) {
    if (!domain.alias_of.empty()) {
        lead(open, How::domain_alias, Address{open.address.local, domain.alias_of}, open.addressed);
        return {};
    }
    if (mode_ == Mode::delivery && !domain.catch_all.empty())
        if (auto catch_all = parse_address(domain.catch_all); catch_all && !seen_.contains(address_key(*catch_all))) {
            lead(open, How::catch_all, std::move(*catch_all), false);
            return {};
        }
    if (domain.passes_on()) {
        add_remote(open, How::relay);
        return {};
    }
    if (mode_ == Mode::delivery && text::iequals(open.address.local, "postmaster"))
        return postmaster(open);
    return fail(ErrorCode::not_found, "no such recipient");
}

/// RFC 5321 §4.5.1: postmaster is always taken; without a mailbox it waits for an administrator.
Result<void> Directory::Resolver::postmaster(const Open& open) {
    auto configured = parse_address(config_.server.postmaster);
    if (configured && !seen_.contains(address_key(*configured))) {
        lead(open, How::postmaster, std::move(*configured), false);
        return {};
    }
    note(How::postmaster, open.address.text());
    out_->remote.push_back({open.address, false});
    out_->hold = true;
    return {};
}

void Directory::Resolver::lead(const Open& open, How how, Address to, bool addressed) {
    note(how, open.address.text(), to.text());
    open_.push_back({std::move(to), node_, open.depth + 1, addressed});
}

void Directory::Resolver::note(How how, std::string from, std::string to) {
    if (out_->steps.size() < static_cast<std::size_t>(limit::resolution_steps))
        out_->steps.push_back({how, std::move(from), std::move(to)});
}

void Directory::Resolver::find_circle(const std::string& key, std::size_t from) {
    std::string way = key;
    for (std::size_t at = from;; at = nodes_[at].parent) {
        way = nodes_[at].key + " -> " + way;
        if (nodes_[at].key == key)
            break;
        if (at == 0)
            return; // only a second way to the same place
    }
    note(How::loop, way);
    if (circle_.empty())
        circle_ = std::move(way);
}

std::string_view ResolutionStep::word() const noexcept {
    switch (how) {
    case How::alias:
        return "alias";
    case How::group:
        return "group";
    case How::forward:
        return "forward";
    case How::detail:
        return "detail";
    case How::rewrite:
        return "rewrite";
    case How::domain_alias:
        return "domain";
    case How::catch_all:
        return "catch-all";
    case How::postmaster:
        return "postmaster";
    case How::report:
        return "report";
    case How::mailbox:
    case How::relay:
    case How::outside:
    case How::disabled:
    case How::missing:
    case How::loop:
        break;
    }
    return {};
}

std::string ResolutionStep::text() const {
    switch (how) {
    case How::mailbox:
        return from == to ? to + " is a mailbox" : from + " is the mailbox " + to;
    case How::alias:
        return "alias " + from + " leads to " + to;
    case How::group:
        return "group " + from + " has the member " + to;
    case How::forward:
        return from + " forwards to " + to;
    case How::detail:
        return from + " is taken as " + to;
    case How::rewrite:
        return "a rewriting rule of the domain turns " + from + " into " + to;
    case How::domain_alias:
        return from + " is looked for as " + to;
    case How::catch_all:
        return from + " is nobody's, so the domain's catch-all " + to + " gets it";
    case How::postmaster:
        return to.empty() ? from + " has no mailbox: its mail is held" : from + " goes to the server's postmaster " + to;
    case How::relay:
        return from + " goes on by the domain's route";
    case How::outside:
        return from + " is elsewhere";
    case How::report:
        return from + " is the return address of forwarded mail of " + to;
    case How::disabled:
        return from + " is disabled";
    case How::missing:
        return from + " is nobody's";
    case How::loop:
        break;
    }
    return "goes in a circle and is followed once: " + from;
}

} // namespace mail::service
