#include "maild/service/masquerade.hpp"

#include "common/base/text.hpp"
#include "common/mail/address_list.hpp"
#include "common/mail/header.hpp"
#include "common/schema/kinds/domain.hpp"

#include <algorithm>

namespace mail::service {
namespace {

bool continues_domain(char c) { return text::is_alnum(c) || c == '.' || c == '-' || static_cast<unsigned char>(c) >= 128; }

/// Every "@from" of `value` that is a whole domain becomes "@to". The text around it, comments and folds, stays.
std::string replaced(std::string_view value, std::string_view from, std::string_view to) {
    const std::string wanted = "@" + std::string(from);
    std::string out;
    for (;;) {
        const std::size_t at = text::ifind(value, wanted);
        if (at == value.npos)
            return out + std::string(value);
        const std::string_view rest = value.substr(at + wanted.size());
        out += value.substr(0, at);
        out += rest.empty() || !continues_domain(rest.front()) ? "@" + std::string(to) : std::string(value.substr(at, wanted.size()));
        value = rest;
    }
}

} // namespace

Masquerade::Masquerade(const std::map<std::string, schema::Domain>& domains) {
    for (const auto& [name, domain] : domains) {
        own_.insert(name);
        if (domain.masquerade)
            shown_.insert(name);
    }
}

std::optional<std::string> Masquerade::shown(std::string_view domain) const {
    if (shown_.empty() || own_.contains(domain))
        return std::nullopt;
    for (std::size_t dot = domain.find('.'); dot != domain.npos; dot = domain.find('.', dot + 1))
        if (const auto found = shown_.find(domain.substr(dot + 1)); found != shown_.end())
            return *found;
    return std::nullopt;
}

Address Masquerade::apply(const Address& address) const {
    const auto key = shown_.empty() ? Result<std::string>(std::string()) : domain_key(address.domain);
    const auto other = key ? shown(*key) : std::nullopt;
    return other ? Address{address.local, *other} : address;
}

std::optional<std::string> Masquerade::apply_header(std::string_view header) const {
    if (shown_.empty())
        return std::nullopt;
    const HeaderView view = parse_header(header);
    std::string out;
    bool changed = false;
    for (const Field& field : view.fields) {
        constexpr std::string_view names[] = {"From", "Sender", "Reply-To"};
        std::string whole(field.whole);
        const bool named = std::any_of(std::begin(names), std::end(names), [&](auto name) { return text::iequals(field.name, name); });
        std::set<std::string> hosts;
        for (const ListedAddress& listed : named ? parse_mailboxes(field.value) : std::vector<ListedAddress>{})
            hosts.insert(listed.host);
        for (const std::string& host : hosts) {
            const auto key = domain_key(host);
            const auto other = key ? shown(*key) : std::nullopt;
            if (other)
                whole = replaced(whole, host, *other);
            changed = changed || other.has_value();
        }
        out += whole;
    }
    if (!changed)
        return std::nullopt;
    return out + std::string(header.substr(view.section.size()));
}

} // namespace mail::service
