#include "common/sasl/plain.hpp"

#include "common/base/text.hpp"
#include "common/sasl/scram_message.hpp"

namespace mail::sasl {
namespace {

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= scram::max_name_bytes && text::is_utf8(name) && name.find('\0') == name.npos;
}
bool is_password(std::string_view password) {
    return !password.empty() && password.size() <= std::size_t{limit::password_bytes} && text::is_utf8(password) &&
           password.find('\0') == password.npos;
}
Step out_of_order() { return Failed{"call out of order", {}, true}; }

} // namespace

Step PlainServer::start(std::optional<std::string_view> initial) {
    state_ = State::wait_message;
    if (!initial)
        return More{};
    return step(*initial);
}

Step PlainServer::step(std::string_view response) {
    if (state_ != State::wait_message)
        return out_of_order();
    state_ = State::ended;
    // RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd
    const std::size_t first = response.find('\0');
    const std::size_t second = first == response.npos ? response.npos : response.find('\0', first + 1);
    if (second == response.npos)
        return Failed{"PLAIN: two NULs are expected", {}, true};
    const std::string_view authzid = response.substr(0, first);
    const std::string_view authcid = response.substr(first + 1, second - first - 1);
    const std::string_view password = response.substr(second + 1);
    if (!is_name(authcid) || (!authzid.empty() && !is_name(authzid)))
        return Failed{"PLAIN: bad name", {}, false};
    if (!is_password(password))
        return Failed{"PLAIN: empty, too long or malformed password", std::string(authcid), false};
    state_ = State::wait_outcome;
    authcid_ = authcid;
    authzid_ = authzid;
    return CheckPlain{authcid_, Secret(std::string(password))};
}

Step PlainServer::outcome(bool accepted) {
    if (state_ != State::wait_outcome)
        return out_of_order();
    state_ = State::ended;
    if (!accepted)
        return Failed{"wrong password or unknown user", authcid_, false};
    return Done{authcid_, authzid_};
}

Step LoginServer::start(std::optional<std::string_view> initial) {
    state_ = State::wait_name;
    // Some clients send the name as an initial response although the draft has none.
    if (initial && !initial->empty())
        return take_name(*initial);
    return More{"Username:"};
}

Step LoginServer::take_name(std::string_view name) {
    if (!is_name(name)) {
        state_ = State::ended;
        return Failed{"LOGIN: bad name", {}, false};
    }
    name_ = name;
    state_ = State::wait_password;
    return More{"Password:"};
}

Step LoginServer::step(std::string_view response) {
    if (state_ == State::wait_name)
        return take_name(response);
    if (state_ != State::wait_password)
        return out_of_order();
    state_ = State::ended;
    if (!is_password(response))
        return Failed{"LOGIN: empty, too long or malformed password", name_, false};
    state_ = State::wait_outcome;
    return CheckPlain{name_, Secret(std::string(response))};
}

Step LoginServer::outcome(bool accepted) {
    if (state_ != State::wait_outcome)
        return out_of_order();
    state_ = State::ended;
    if (!accepted)
        return Failed{"wrong password or unknown user", name_, false};
    return Done{name_, {}};
}

} // namespace mail::sasl
