#include "maild/queue/address_patterns.hpp"

#include "common/base/text.hpp"
#include "common/mail/address.hpp"

namespace mail::queue {

AddressKeys address_keys(std::string_view address) {
    AddressKeys keys;
    if (address.empty()) {
        keys.address = "<>";
        return keys;
    }
    if (const auto parsed = parse_address(address)) {
        keys.address = address_key(*parsed);
        keys.domain = keys.address.substr(keys.address.rfind('@') + 1);
        return keys;
    }
    keys.address = text::to_lower(address);
    const std::size_t at = keys.address.rfind('@');
    keys.domain = at == keys.address.npos ? std::string() : keys.address.substr(at + 1);
    return keys;
}

AddressPatterns::Fit AddressPatterns::fit(const AddressKeys& keys) const {
    if (patterns_.empty())
        return Fit::none;
    if (patterns_.contains(keys.address))
        return Fit::address;
    if (!keys.domain.empty()) {
        if (patterns_.contains(keys.domain))
            return Fit::domain;
        for (std::size_t dot = keys.domain.find('.'); dot != keys.domain.npos; dot = keys.domain.find('.', dot + 1))
            if (patterns_.contains("*" + keys.domain.substr(dot)))
                return Fit::below;
    }
    return patterns_.contains("*") ? Fit::any : Fit::none;
}

} // namespace mail::queue
