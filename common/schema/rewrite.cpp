#include "common/schema/rewrite.hpp"

#include "common/base/text.hpp"

#include <algorithm>

namespace mail::schema {
namespace {

constexpr std::string_view hint = "write it like sales=info, old-*=new-* or *=*@example.org";

Error bad(std::string_view text, std::string_view why) {
    return Error{ErrorCode::invalid, "\"" + text::escape(text, 80) + "\" is no rewriting rule: " + std::string(why),
                 std::string(hint)};
}

/// A local part with at most one "*" in it is one that could stand in an address.
bool is_local_pattern(std::string_view pattern) {
    if (pattern.empty() || std::count(pattern.begin(), pattern.end(), '*') > 1)
        return false;
    std::string sample(pattern); // "*" is an atom's character itself (RFC 5322 §3.2.3)
    return parse_address(sample + "@example.org").has_value() && sample.find('"') == std::string::npos;
}

/// What "*" of `pattern` takes of `local`; nullopt when it does not fit.
std::optional<std::string_view> taken(std::string_view pattern, std::string_view local) {
    const std::size_t star = pattern.find('*');
    if (star == std::string_view::npos)
        return local == pattern ? std::optional(std::string_view()) : std::nullopt;
    const std::string_view head = pattern.substr(0, star);
    const std::string_view tail = pattern.substr(star + 1);
    if (local.size() < head.size() + tail.size() || !local.starts_with(head) || !local.ends_with(tail))
        return std::nullopt;
    return local.substr(head.size(), local.size() - head.size() - tail.size());
}

Result<std::string> canonical_rewrite(std::string_view text) {
    MAIL_TRY(const auto rule, parse_rewrite(text));
    return rule.pattern + "=" + rule.local + (rule.domain.empty() ? "" : "@" + rule.domain);
}

} // namespace

Result<Rewrite> parse_rewrite(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos)
        return fail(bad(text, "it has no \"=\""));
    const std::string_view left = text::trim(text.substr(0, equals));
    const std::string_view right = text::trim(text.substr(equals + 1));
    Rewrite rule;
    if (!is_local_pattern(left))
        return fail(bad(text, "its left side is no local part"));
    rule.pattern = local_key(left);
    const std::size_t at = right.rfind('@');
    rule.local = right.substr(0, at);
    if (!is_local_pattern(rule.local))
        return fail(bad(text, "its right side is no address and no local part"));
    if (at != std::string_view::npos) {
        const auto domain = parse_domain(right.substr(at + 1));
        auto key = domain ? domain_key(*domain) : Result<std::string>(fail(domain.error()));
        if (!key)
            return fail(bad(text, "its right side is no address and no local part"));
        rule.domain = std::move(*key);
    }
    if (rule.local.find('*') != std::string::npos && rule.pattern.find('*') == std::string::npos)
        return fail(bad(text, "\"*\" on the right needs one on the left"));
    return rule;
}

std::optional<Address> apply_rewrite(const Rewrite& rule, const Address& address) {
    const std::string local = local_key(address.local);
    const auto middle = taken(rule.pattern, local);
    if (!middle)
        return std::nullopt;
    Address out;
    out.local = rule.local;
    if (const std::size_t star = out.local.find('*'); star != std::string::npos) {
        // The characters as they were written where folding kept their number; the folded ones otherwise.
        const std::size_t from = rule.pattern.find('*');
        const bool as_written = local.size() == address.local.size();
        out.local.replace(star, 1, as_written ? address.local.substr(from, middle->size()) : std::string(*middle));
    }
    out.domain = rule.domain.empty() ? address.domain : rule.domain;
    constexpr std::size_t longest_local = 64; // RFC 5321 §4.5.3.1.1
    if (out.local.empty() || out.local.size() > longest_local)
        return std::nullopt;
    return out;
}

const TextFormat rewrite_format{"rewriting rule", "local=target such as sales=info or *=*@example.org",
                                canonical_rewrite};

} // namespace mail::schema
