#include "common/sasl/scram.hpp"

#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "common/sasl/scram_message.hpp"

namespace mail::sasl {

Step ScramServer::give_up(std::string reason, bool malformed) {
    state_ = State::ended;
    return Failed{std::move(reason), username_, malformed};
}

Step ScramServer::start(std::optional<std::string_view> initial) {
    state_ = State::wait_first;
    if (!initial)
        return More{};
    return take_first(*initial);
}

Step ScramServer::step(std::string_view response) {
    switch (state_) {
    case State::wait_first:
        return take_first(response);
    case State::wait_final:
        return take_final(response);
    case State::wait_empty:
        if (!response.empty())
            return give_up("SCRAM: data after the server's signature", true);
        state_ = State::ended;
        return Done{username_, authzid_};
    case State::fresh:
    case State::wait_verifier:
    case State::ended:
        break;
    }
    return give_up("call out of order", true);
}

Step ScramServer::take_first(std::string_view message) {
    auto first = scram::parse_client_first(message);
    if (!first)
        return give_up(first.error().message, false);
    username_ = first->username;
    authzid_ = first->authzid;
    const bool plus_offered = !binding_.data.empty();
    // RFC 5802 §6: "y" says that we do not offer -PLUS; if we do, someone has changed our list of mechanisms.
    if (first->binding_flag == 'y' && plus_offered)
        return give_up("SCRAM: downgrade (the client saw no -PLUS)", false);
    if ((first->binding_flag == 'p') != plus_)
        return give_up("SCRAM: the channel binding flag does not fit the mechanism", false);
    if (plus_ && (!plus_offered || first->binding_name != binding_.type))
        return give_up("SCRAM: unsupported channel binding type", false);
    expected_binding_ = first->gs2_header;
    if (plus_)
        expected_binding_ += binding_.data;
    nonce_ = std::string(first->nonce) + server_nonce_;
    transcript_ = first->bare;
    state_ = State::wait_verifier;
    return NeedVerifier{username_};
}

Step ScramServer::verifier(const Verifier& verifier) {
    if (state_ != State::wait_verifier)
        return give_up("call out of order", true);
    verifier_ = verifier;
    std::string challenge =
        "r=" + nonce_ + ",s=" + text::base64(verifier.salt) + ",i=" + std::to_string(verifier.iterations);
    transcript_ += ',';
    transcript_ += challenge;
    state_ = State::wait_final;
    return More{std::move(challenge)};
}

Step ScramServer::take_final(std::string_view message) {
    auto final = scram::parse_client_final(message);
    if (!final)
        return give_up(final.error().message, false);
    transcript_ += ',';
    transcript_ += final->without_proof;
    // All checks are made before the verdict, so that what was wrong cannot be told from the time it took.
    const std::string signature = crypto::hmac_sha256(verifier_.stored_key, transcript_);
    const std::string client_key = scram::exclusive_or(final->proof, signature);
    const bool proved = crypto::constant_time_equal(crypto::sha256(client_key), verifier_.stored_key);
    const bool same_nonce = crypto::constant_time_equal(final->nonce, nonce_);
    // RFC 5802 §5.1: c= repeats the gs2 header and the binding, which a man in the middle cannot forge.
    const bool same_binding = crypto::constant_time_equal(final->channel_binding, expected_binding_);
    if (!same_nonce)
        return give_up("SCRAM: the nonce was not repeated", false);
    if (!same_binding)
        return give_up("SCRAM: the channel binding does not match", false);
    if (!proved)
        return give_up("wrong password or unknown user", false);
    state_ = State::wait_empty;
    return More{"v=" + text::base64(crypto::hmac_sha256(verifier_.server_key, transcript_))};
}

} // namespace mail::sasl
