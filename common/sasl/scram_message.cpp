#include "common/sasl/scram_message.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"

namespace mail::sasl::scram {
namespace {

Failure malformed(std::string what) { return fail(ErrorCode::invalid, "SCRAM: " + std::move(what)); }

/// Takes "<letter>=value" up to the next comma or the end off the front of `rest`, with the comma.
Result<std::string_view> take(std::string_view& rest, char letter) {
    if (rest.size() < 2 || rest[0] != letter || rest[1] != '=')
        return malformed(std::string("attribute ") + letter + " is missing");
    const std::size_t comma = rest.find(',');
    const std::string_view value = rest.substr(2, comma == rest.npos ? rest.npos : comma - 2);
    rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
    return value;
}

/// RFC 5802 §7: extensions are attribute=value; optional ones are ignored.
Result<void> check_extensions(std::string_view rest) {
    while (!rest.empty()) {
        if (rest.size() < 2 || !text::is_alpha(rest[0]) || rest[1] != '=')
            return malformed("bad extension");
        if (rest[0] == 'm') // RFC 5802 §5.1: a mandatory extension that is not known ends the exchange
            return malformed("mandatory extension");
        const std::size_t comma = rest.find(',');
        if (comma == rest.npos)
            return {};
        rest.remove_prefix(comma + 1);
    }
    return {};
}

bool is_nonce(std::string_view nonce) {
    if (nonce.empty() || nonce.size() > max_nonce_bytes)
        return false;
    for (const char c : nonce) {
        if (c < 0x21 || c > 0x7e || c == ',')
            return false;
    }
    return true;
}

Result<void> check_size(std::string_view message) {
    if (message.size() > max_message_bytes)
        return malformed("message too long");
    if (message.find('\0') != message.npos)
        return malformed("NUL in message");
    return {};
}

/// RFC 5802 §7: cb-name = 1*(ALPHA / DIGIT / "." / "-").
bool is_binding_name(std::string_view name) {
    for (const char c : name) {
        if (!text::is_alnum(c) && c != '.' && c != '-')
            return false;
    }
    return !name.empty();
}

} // namespace

std::string escape_name(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c == '=')
            out += "=3D";
        else if (c == ',')
            out += "=2C";
        else
            out += c;
    }
    return out;
}

Result<std::string> unescape_name(std::string_view escaped) {
    if (escaped.empty() || escaped.size() > max_name_bytes || !text::is_utf8(escaped))
        return malformed("bad name");
    std::string out;
    for (std::size_t i = 0; i < escaped.size(); ++i) {
        if (escaped[i] != '=') {
            out += escaped[i];
            continue;
        }
        const std::string_view code = escaped.substr(i, 3);
        if (code != "=2C" && code != "=3D")
            return malformed("bad escape in a name");
        out += code == "=2C" ? ',' : '=';
        i += 2;
    }
    return out;
}

std::string exclusive_or(std::string_view a, std::string_view b) {
    std::string out(a);
    for (std::size_t i = 0; i < out.size() && i < b.size(); ++i)
        out[i] = static_cast<char>(out[i] ^ b[i]);
    return out;
}

Result<ClientFirst> parse_client_first(std::string_view message) {
    MAIL_DO(check_size(message));
    ClientFirst first;
    std::string_view rest = message;
    if (rest.starts_with("p=")) {
        MAIL_TRY(first.binding_name, take(rest, 'p'));
        first.binding_flag = 'p';
        if (!is_binding_name(first.binding_name))
            return malformed("bad channel binding name");
    } else if (rest.starts_with("n,") || rest.starts_with("y,")) {
        first.binding_flag = rest[0];
        rest.remove_prefix(2);
    } else {
        return malformed("bad gs2 header");
    }
    if (rest.starts_with(',')) {
        rest.remove_prefix(1);
    } else {
        MAIL_TRY(const std::string_view authzid, take(rest, 'a'));
        MAIL_TRY(first.authzid, unescape_name(authzid));
    }
    first.gs2_header = message.substr(0, message.size() - rest.size());
    first.bare = rest;
    // RFC 5802 §5.1: "m=" may only stand first and no mandatory extension is known; n= must follow at once.
    MAIL_TRY(const std::string_view name, take(rest, 'n'));
    MAIL_TRY(first.username, unescape_name(name));
    MAIL_TRY(first.nonce, take(rest, 'r'));
    if (!is_nonce(first.nonce))
        return malformed("bad nonce");
    MAIL_DO(check_extensions(rest));
    return first;
}

Result<ServerFirst> parse_server_first(std::string_view message) {
    MAIL_DO(check_size(message));
    ServerFirst first;
    std::string_view rest = message;
    MAIL_TRY(first.nonce, take(rest, 'r'));
    MAIL_TRY(const std::string_view salt, take(rest, 's'));
    MAIL_TRY(const std::string_view rounds, take(rest, 'i'));
    auto decoded = text::unbase64(salt);
    const auto iterations = text::number<std::uint32_t>(rounds);
    if (!is_nonce(first.nonce) || !decoded || decoded->empty())
        return malformed("bad nonce or salt");
    // RFC 7677 §4: fewer than 4096 rounds would let a false server learn the password.
    if (!iterations || *iterations < limit::scram_iterations_floor || *iterations > limit::scram_iterations_ceiling)
        return malformed("number of rounds out of range");
    MAIL_DO(check_extensions(rest));
    first.salt = std::move(*decoded);
    first.iterations = *iterations;
    return first;
}

Result<ClientFinal> parse_client_final(std::string_view message) {
    MAIL_DO(check_size(message));
    ClientFinal final;
    // RFC 5802 §7: the proof is the last attribute, so everything before ",p=" is what is signed.
    const std::size_t proof_at = message.rfind(",p=");
    if (proof_at == message.npos)
        return malformed("proof is missing");
    final.without_proof = message.substr(0, proof_at);
    auto proof = text::unbase64(message.substr(proof_at + 3));
    if (!proof || proof->size() != crypto::sha256_bytes)
        return malformed("bad proof");
    std::string_view rest = final.without_proof;
    MAIL_TRY(const std::string_view binding, take(rest, 'c'));
    MAIL_TRY(final.nonce, take(rest, 'r'));
    auto decoded = text::unbase64(binding);
    if (!decoded || !is_nonce(final.nonce))
        return malformed("bad channel binding or nonce");
    MAIL_DO(check_extensions(rest));
    final.channel_binding = std::move(*decoded);
    final.proof = std::move(*proof);
    return final;
}

Result<std::string> parse_server_final(std::string_view message) {
    MAIL_DO(check_size(message));
    std::string_view rest = message;
    if (message.starts_with("e="))
        return fail(ErrorCode::unauthorized, "the server refused the SCRAM exchange: " + text::escape(message.substr(2), 100));
    MAIL_TRY(const std::string_view value, take(rest, 'v'));
    auto signature = text::unbase64(value);
    if (!signature || signature->size() != crypto::sha256_bytes)
        return malformed("bad server signature");
    return std::move(*signature);
}

} // namespace mail::sasl::scram
