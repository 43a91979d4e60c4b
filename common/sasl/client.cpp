#include "common/sasl/client.hpp"

#include "common/base/secret.hpp"
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "common/sasl/scram_message.hpp"
#include "common/sasl/verifier.hpp"

namespace mail::sasl {
namespace {

class PlainClient final : public ClientMechanism {
  public:
    explicit PlainClient(Credentials credentials) : credentials_(std::move(credentials)) {}
    std::string_view name() const noexcept override { return "PLAIN"; }
    std::optional<std::string> initial() override {
        sent_ = true;
        std::string message = credentials_.authzid;
        message += '\0';
        message += credentials_.username;
        message += '\0';
        message += credentials_.password;
        return message;
    }
    Result<std::string> step(std::string_view) override {
        if (sent_)
            return fail(ErrorCode::invalid, "the server asks for more than PLAIN has");
        return *initial();
    }
    bool is_complete() const noexcept override { return sent_; }

  private:
    Credentials credentials_;
    bool sent_ = false;
};

class LoginClient final : public ClientMechanism {
  public:
    explicit LoginClient(Credentials credentials) : credentials_(std::move(credentials)) {}
    std::string_view name() const noexcept override { return "LOGIN"; }
    std::optional<std::string> initial() override { return std::nullopt; }
    Result<std::string> step(std::string_view) override {
        // The prompts differ from server to server; the order does not.
        ++asked_;
        if (asked_ > 2)
            return fail(ErrorCode::invalid, "the server asks for more than LOGIN has");
        return asked_ == 1 ? credentials_.username : credentials_.password;
    }
    bool is_complete() const noexcept override { return asked_ == 2; }

  private:
    Credentials credentials_;
    int asked_ = 0;
};

class ScramClient final : public ClientMechanism {
  public:
    ScramClient(Credentials credentials, std::string nonce)
        : credentials_(std::move(credentials)), nonce_(std::move(nonce)) {
        if (!credentials_.authzid.empty())
            header_ = "n,a=" + scram::escape_name(credentials_.authzid) + ",";
        bare_ = "n=" + scram::escape_name(credentials_.username) + ",r=" + nonce_;
    }
    std::string_view name() const noexcept override { return "SCRAM-SHA-256"; }
    std::optional<std::string> initial() override {
        state_ = State::wait_first;
        return header_ + bare_;
    }
    Result<std::string> step(std::string_view challenge) override {
        switch (state_) {
        case State::fresh:
            return *initial();
        case State::wait_first:
            return answer_first(challenge);
        case State::wait_final: {
            MAIL_TRY(const std::string signature, scram::parse_server_final(challenge));
            if (!crypto::constant_time_equal(signature, expected_signature_))
                return fail(ErrorCode::unauthorized, "the server does not know the password");
            state_ = State::complete;
            return std::string();
        }
        case State::complete:
            break;
        }
        return fail(ErrorCode::invalid, "the server asks for more than SCRAM has");
    }
    bool is_complete() const noexcept override { return state_ == State::complete; }

  private:
    enum class State : std::uint8_t { fresh, wait_first, wait_final, complete };

    Result<std::string> answer_first(std::string_view challenge) {
        MAIL_TRY(const scram::ServerFirst first, scram::parse_server_first(challenge));
        // RFC 5802 §5.1: the server's nonce begins with ours and adds to it.
        if (!first.nonce.starts_with(nonce_) || first.nonce.size() == nonce_.size())
            return fail(ErrorCode::unauthorized, "SCRAM: the server's nonce does not contain ours");
        MAIL_TRY(std::string prepared, prepare_password(credentials_.password));
        const Secret clear(std::move(prepared));
        const Secret salted(crypto::pbkdf2_hmac_sha256(clear.reveal(), first.salt, first.iterations));
        const Secret client_key(crypto::hmac_sha256(salted.reveal(), "Client Key"));
        std::string message = "c=" + text::base64(header_) + ",r=" + std::string(first.nonce);
        const std::string transcript = bare_ + "," + std::string(challenge) + "," + message;
        const std::string signature = crypto::hmac_sha256(crypto::sha256(client_key.reveal()), transcript);
        expected_signature_ = crypto::hmac_sha256(crypto::hmac_sha256(salted.reveal(), "Server Key"), transcript);
        message += ",p=" + text::base64(scram::exclusive_or(client_key.reveal(), signature));
        state_ = State::wait_final;
        return message;
    }

    Credentials credentials_;
    std::string nonce_;
    // RFC 5802 §6: "n", for this client never binds; "y" is for clients that could.
    std::string header_ = "n,,";
    std::string bare_;
    std::string expected_signature_;
    State state_ = State::fresh;
};

} // namespace

std::unique_ptr<ClientMechanism> make_client_mechanism(std::string_view name, Credentials credentials, std::string nonce) {
    if (text::iequals(name, "SCRAM-SHA-256"))
        return std::make_unique<ScramClient>(std::move(credentials), nonce.empty() ? crypto::random_token(18) : std::move(nonce));
    if (text::iequals(name, "PLAIN"))
        return std::make_unique<PlainClient>(std::move(credentials));
    if (text::iequals(name, "LOGIN"))
        return std::make_unique<LoginClient>(std::move(credentials));
    return nullptr;
}

std::unique_ptr<ClientMechanism> choose_client_mechanism(std::span<const std::string_view> offered,
                                                         Credentials credentials, bool plaintext) {
    for (const std::string_view name : {"SCRAM-SHA-256", "PLAIN", "LOGIN"}) {
        if (name != "SCRAM-SHA-256" && !plaintext)
            break;
        for (const std::string_view word : offered) {
            if (text::iequals(word, name))
                return make_client_mechanism(name, std::move(credentials));
        }
    }
    return nullptr;
}

} // namespace mail::sasl
