#include "common/sasl/mechanism.hpp"

#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "common/sasl/plain.hpp"
#include "common/sasl/scram.hpp"

namespace mail::sasl {
namespace {

constexpr std::string_view names[] = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};

} // namespace

Step ServerMechanism::verifier(const Verifier&) { return Failed{"no verifier was asked for", {}, true}; }
Step ServerMechanism::outcome(bool) { return Failed{"no check was asked for", {}, true}; }

std::span<const std::string_view> server_mechanisms() noexcept { return names; }

bool is_plaintext(std::string_view mechanism) noexcept {
    return text::iequals(mechanism, "PLAIN") || text::iequals(mechanism, "LOGIN");
}

std::unique_ptr<ServerMechanism> make_scram_server(std::string nonce, bool plus, ChannelBinding binding) {
    return std::make_unique<ScramServer>(std::move(nonce), plus, std::move(binding));
}

std::unique_ptr<ServerMechanism> make_server_mechanism(std::string_view name, ChannelBinding binding) {
    if (text::iequals(name, "PLAIN"))
        return std::make_unique<PlainServer>();
    if (text::iequals(name, "LOGIN"))
        return std::make_unique<LoginServer>();
    const bool plus = text::iequals(name, "SCRAM-SHA-256-PLUS");
    if (text::iequals(name, "SCRAM-SHA-256") || (plus && !binding.data.empty()))
        return make_scram_server(crypto::random_token(18), plus, std::move(binding));
    return nullptr;
}

} // namespace mail::sasl
