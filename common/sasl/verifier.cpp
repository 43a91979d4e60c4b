#include "common/sasl/verifier.hpp"

#include "common/base/secret.hpp"
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"

#define U_SHOW_CPLUSPLUS_API 0
#include <memory>
#include <unicode/usprep.h>
#include <unicode/ustring.h>
#include <vector>

namespace mail::sasl {
namespace {

constexpr std::string_view scheme = "{SCRAM-SHA-256}";

struct ProfileCloser {
    void operator()(UStringPrepProfile* profile) const noexcept { usprep_close(profile); }
};

Result<std::string> prepare_unicode(std::string_view password) {
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<UStringPrepProfile, ProfileCloser> profile(
        usprep_openByType(USPREP_RFC4013_SASLPREP, &status));
    if (U_FAILURE(status) != 0)
        return fail(ErrorCode::internal, "the SASLprep tables of ICU cannot be loaded");

    std::vector<UChar> wide(password.size() + 1);
    std::int32_t wide_size = 0;
    u_strFromUTF8(wide.data(), static_cast<std::int32_t>(wide.size()), &wide_size, password.data(),
                  static_cast<std::int32_t>(password.size()), &status);
    // NFKC makes a character up to 18 times longer (U+FDFA).
    std::vector<UChar> prepared(static_cast<std::size_t>(wide_size) * 18 + 1);
    // RFC 3454 §7: code points newer than Unicode 3.2 are allowed, or passwords with new characters would be impossible.
    const std::int32_t prepared_size =
        usprep_prepare(profile.get(), wide.data(), wide_size, prepared.data(), static_cast<std::int32_t>(prepared.size()),
                       USPREP_ALLOW_UNASSIGNED, nullptr, &status);
    std::string out(prepared.size() * 3, '\0');
    std::int32_t out_size = 0;
    if (U_SUCCESS(status) != 0)
        u_strToUTF8(out.data(), static_cast<std::int32_t>(out.size()), &out_size, prepared.data(), prepared_size, &status);
    wipe(wide.data(), wide.size() * sizeof(UChar));
    wipe(prepared.data(), prepared.size() * sizeof(UChar));
    if (U_FAILURE(status) != 0)
        return fail(ErrorCode::invalid, "the password has characters that are not allowed in passwords");
    out.resize(static_cast<std::size_t>(out_size));
    return out;
}

/// RFC 5802 §3: the keys that follow from a prepared password.
Verifier derive(std::string_view prepared, std::string_view salt, std::uint32_t iterations) {
    std::string salted = crypto::pbkdf2_hmac_sha256(prepared, salt, iterations);
    std::string client_key = crypto::hmac_sha256(salted, "Client Key");
    Verifier verifier{std::string(salt), iterations, crypto::sha256(client_key), crypto::hmac_sha256(salted, "Server Key")};
    wipe(salted.data(), salted.size());
    wipe(client_key.data(), client_key.size());
    return verifier;
}

bool iterations_allowed(std::uint32_t iterations) {
    return iterations >= limit::scram_iterations_floor && iterations <= limit::scram_iterations_ceiling;
}

} // namespace

Result<std::string> prepare_password(std::string_view password) {
    if (password.empty())
        return fail(ErrorCode::invalid, "the password is empty");
    if (password.size() > std::size_t{limit::password_bytes})
        return fail(ErrorCode::too_large, "the password is too long", "use at most 1024 bytes");
    if (text::is_ascii(password)) {
        // RFC 4013 §2.3: ASCII control characters are prohibited; nothing else changes in ASCII.
        for (const char c : password) {
            if (c < 0x20 || c == 0x7f)
                return fail(ErrorCode::invalid, "the password has control characters");
        }
        return std::string(password);
    }
    if (!text::is_utf8(password))
        return fail(ErrorCode::invalid, "the password is not UTF-8");
    MAIL_TRY(std::string prepared, prepare_unicode(password));
    if (prepared.empty())
        return fail(ErrorCode::invalid, "the password has no visible characters");
    return prepared;
}

Result<Verifier> make_verifier_with_salt(std::string_view password, std::string_view salt, std::uint32_t iterations) {
    if (!iterations_allowed(iterations))
        return fail(ErrorCode::invalid, "the number of SCRAM rounds is out of range", "use 4096 to 1000000 rounds");
    if (salt.empty() || salt.size() > max_salt_bytes)
        return fail(ErrorCode::invalid, "the salt is empty or too long");
    MAIL_TRY(std::string prepared, prepare_password(password));
    const Secret clear(std::move(prepared));
    return derive(clear.reveal(), salt, iterations);
}

Result<Verifier> make_verifier(std::string_view password, std::uint32_t iterations) {
    return make_verifier_with_salt(password, crypto::random_bytes(16), iterations);
}

std::string to_text(const Verifier& verifier) {
    std::string out(scheme);
    out += std::to_string(verifier.iterations);
    for (const std::string* part : {&verifier.salt, &verifier.stored_key, &verifier.server_key}) {
        out += ':';
        out += text::base64(*part);
    }
    return out;
}

Result<Verifier> parse_verifier(std::string_view text) {
    constexpr std::string_view hint = "the form is {SCRAM-SHA-256}rounds:salt:stored_key:server_key";
    if (text.size() > 512 || !text.starts_with(scheme))
        return fail(ErrorCode::invalid, "not a SCRAM-SHA-256 verifier", std::string(hint));
    const auto parts = text::split(text.substr(scheme.size()), ':');
    if (parts.size() != 4)
        return fail(ErrorCode::invalid, "the verifier does not have four parts", std::string(hint));
    const auto iterations = text::number<std::uint32_t>(parts[0]);
    if (!iterations || !iterations_allowed(*iterations))
        return fail(ErrorCode::invalid, "the verifier's number of rounds is out of range", "4096 to 1000000 rounds");
    auto salt = text::unbase64(parts[1]);
    auto stored_key = text::unbase64(parts[2]);
    auto server_key = text::unbase64(parts[3]);
    if (!salt || salt->empty() || salt->size() > max_salt_bytes)
        return fail(ErrorCode::invalid, "the verifier's salt is not 1 to 64 bytes of base64", std::string(hint));
    if (!stored_key || stored_key->size() != crypto::sha256_bytes || !server_key ||
        server_key->size() != crypto::sha256_bytes)
        return fail(ErrorCode::invalid, "the verifier's keys are not 32 bytes of base64", std::string(hint));
    return Verifier{std::move(*salt), *iterations, std::move(*stored_key), std::move(*server_key)};
}

bool check_password(const Verifier& verifier, std::string_view password) {
    auto prepared = prepare_password(password);
    if (!prepared)
        return false;
    const Secret clear(std::move(*prepared));
    const Verifier candidate = derive(clear.reveal(), verifier.salt, verifier.iterations);
    return crypto::constant_time_equal(candidate.stored_key, verifier.stored_key);
}

Verifier fake_verifier(std::string_view secret, std::string_view user, std::uint32_t iterations) {
    const auto derived = [&](std::string_view purpose) {
        return crypto::hmac_sha256(secret, std::string(purpose) + text::to_lower(user));
    };
    // The stored key is no hash of anything known, so no proof can fit it.
    return Verifier{derived("salt:").substr(0, 16), iterations, derived("stored:"), derived("server:")};
}

} // namespace mail::sasl
