#include "maild/service/srs.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"

namespace mail::service {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; ///< RFC 4648 §6: survives changes of case
constexpr std::size_t hash_digits = 6;
constexpr std::size_t longest_local = 64; ///< RFC 5321 §4.5.3.1.1
constexpr int day_turn = 1024;            ///< days are counted in two digits

int day_of(Time now) {
    const auto days = std::chrono::duration_cast<std::chrono::hours>(now.time_since_epoch()).count() / 24;
    return static_cast<int>(days % day_turn);
}

std::string stamp(Time now) {
    const auto day = static_cast<std::size_t>(day_of(now));
    return {digits[day / digits.size()], digits[day % digits.size()]};
}

std::optional<int> day_of(std::string_view stamp) {
    if (stamp.size() != 2)
        return std::nullopt;
    const std::size_t high = digits.find(text::upper(stamp[0]));
    const std::size_t low = digits.find(text::upper(stamp[1]));
    if (high == digits.npos || low == digits.npos)
        return std::nullopt;
    return static_cast<int>(high * digits.size() + low);
}

/// Takes what stands before the next '=' off the front of `rest`.
std::optional<std::string_view> take(std::string_view& rest) {
    const std::size_t equals = rest.find('=');
    if (equals == rest.npos || equals == 0)
        return std::nullopt;
    const std::string_view word = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
    return word;
}

bool has_tag(std::string_view local, std::string_view tag) {
    constexpr std::string_view separators = "=+-";
    return local.size() > tag.size() + 1 && text::istarts_with(local, tag) &&
           separators.find(local[tag.size()]) != separators.npos;
}

Error not_ours() { return Error{ErrorCode::not_found, "the return address was not made here"}; }

Result<Address> checked(std::string local, std::string_view domain) {
    // What the hash vouches for was an address once; a collision need not be one.
    const auto address = parse_address(Address{std::move(local), std::string(domain)}.text());
    if (!address)
        return fail(not_ours());
    return *address;
}

} // namespace

bool Srs::is_srs(std::string_view local) noexcept { return has_tag(local, "SRS0") || has_tag(local, "SRS1"); }

/// Six digits of the keyed hash, without regard to the case that some servers change.
std::string Srs::hash(std::string_view text) const {
    const std::string bytes = crypto::hmac_sha256(key_, text::to_lower(text));
    std::string out;
    for (std::size_t i = 0; i < hash_digits; ++i)
        out += digits[static_cast<unsigned char>(bytes[i]) % digits.size()];
    return out;
}

std::optional<Address> Srs::forward(const Address& sender, std::string_view domain, Time now) const {
    if (key_.empty() || sender.empty() || is_address_literal(sender.domain))
        return std::nullopt;
    const auto sender_domain = domain_key(sender.domain);
    if (!sender_domain)
        return std::nullopt;
    std::string local;
    if (has_tag(sender.local, "SRS0")) {
        // Somebody forwarded it before: that server alone can undo what it did, so its name is kept.
        const std::string rest = *sender_domain + "=" + sender.local.substr(4);
        local = "SRS1=" + hash("1" + rest) + "=" + rest;
    } else if (has_tag(sender.local, "SRS1")) {
        // The way back skips all servers between: the hash of the one before is dropped, ours takes its place.
        std::string_view rest = std::string_view(sender.local).substr(5);
        if (!take(rest))
            return std::nullopt;
        local = "SRS1=" + hash("1" + std::string(rest)) + "=" + std::string(rest);
    } else {
        const std::string rest = stamp(now) + "=" + *sender_domain + "=" + sender.local;
        local = "SRS0=" + hash("0" + rest) + "=" + rest;
    }
    if (local.size() > longest_local)
        return std::nullopt;
    return Address{std::move(local), std::string(domain)};
}

Result<Address> Srs::reverse(const Address& address, Time now) const {
    if (key_.empty() || !is_srs(address.local))
        return fail(not_ours());
    const bool is_first = has_tag(address.local, "SRS0");
    std::string_view rest = std::string_view(address.local).substr(5);
    const auto given = take(rest);
    if (!given || !crypto::constant_time_equal(text::to_upper(*given), hash((is_first ? "0" : "1") + std::string(rest))))
        return fail(not_ours());
    if (!is_first) {
        const auto first = take(rest);
        return first ? checked("SRS0" + std::string(rest), *first) : Result<Address>(fail(not_ours()));
    }
    const auto time = take(rest);
    const auto domain = take(rest);
    const auto day = time ? day_of(*time) : std::nullopt;
    if (!domain || !day)
        return fail(not_ours());
    const int age = (day_of(now) - *day + day_turn) % day_turn;
    constexpr int tomorrow = day_turn - 1; // clocks differ
    if (age > limit::srs_days && age != tomorrow)
        return fail(ErrorCode::denied, "the return address is too old");
    return checked(std::string(rest), *domain);
}

} // namespace mail::service
