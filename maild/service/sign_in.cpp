#include "maild/service/sign_in.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "maild/store/store.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>

namespace mail::service {
namespace {

constexpr std::size_t cache_entries = 20000;
constexpr auto cache_time = std::chrono::minutes(5);
constexpr std::string_view secret_key = "sign-in-secret";
std::atomic<std::int64_t> delay_unit_us{limit::auth_failure_delay_ms * 1000};

[[nodiscard]] Error refused() { return {ErrorCode::unauthorized, "authentication failed", ""}; }

} // namespace

struct SignIn::State {
    State(store::Store& s, Directory& d, async::WorkerPool& p) : store(s), directory(d), pool(p) {}

    struct Success {
        std::string verifier; ///< the one it was checked against: another password makes the entry worthless
        SteadyTime until;
    };
    struct Watcher {
        std::string key, verifier;
        std::function<void()> end;
        OpenSession open;
    };

    /// One key per user and password, useless without this process's random key (faults: the user is part of it).
    [[nodiscard]] std::string cache_key(std::string_view user, std::string_view password) const {
        std::string input(user);
        input += '\0';
        input += password;
        auto out = crypto::hmac_sha256(cache_secret, input);
        wipe(input.data(), input.size());
        return out;
    }
    [[nodiscard]] bool cached(const std::string& key, std::string_view verifier) {
        const std::lock_guard lock(mutex);
        const auto it = successes.find(key);
        if (it == successes.end())
            return false;
        if (it->second.verifier == verifier && it->second.until > std::chrono::steady_clock::now())
            return true;
        successes.erase(it);
        return false;
    }
    void remember(std::string key, std::string verifier) {
        const std::lock_guard lock(mutex);
        if (successes.size() >= cache_entries)
            successes.clear();
        successes[std::move(key)] = {std::move(verifier), std::chrono::steady_clock::now() + cache_time};
    }

    store::Store& store;
    Directory& directory;
    async::WorkerPool& pool;
    std::string fake_secret; ///< kept in the store: the same fake salt at every ask (faults A03)
    std::string cache_secret = crypto::random_bytes(32);
    std::mutex mutex;
    std::unordered_map<std::string, Success> successes;
    std::unordered_multimap<std::string, std::shared_ptr<Watcher>> watchers;
};

SignIn::SignIn(store::Store& store, Directory& directory, async::WorkerPool& pool)
    : state_(std::make_shared<State>(store, directory, pool)) {}
SignIn::~SignIn() = default;

Result<void> SignIn::open() {
    auto known = state_->store.meta().meta(secret_key);
    if (known) {
        state_->fake_secret = *known;
        return {};
    }
    if (known.error().code != ErrorCode::not_found)
        return fail(known.error());
    state_->fake_secret = text::hex(crypto::random_bytes(32));
    return state_->store.meta().put_meta(secret_key, state_->fake_secret);
}

std::vector<std::string_view> SignIn::mechanisms(bool plaintext_allowed) const {
    std::vector<std::string_view> out;
    for (const auto name : sasl::server_mechanisms())
        if (plaintext_allowed || !sasl::is_plaintext(name))
            out.push_back(name);
    return out;
}

namespace {

void log_failure(const Caller& caller, std::string_view user, std::string_view reason) {
    log(Event::auth_failed, {{"protocol", protocol_name(caller.protocol)},
                             {"peer", caller.peer},
                             {"sid", caller.session},
                             {"user", user},
                             {"reason", reason}});
}

/// The mailbox of a sign-in name: its primary address. Null when there is none that may sign in.
MailboxPtr find_user(Directory& directory, std::string_view user) {
    const auto address = parse_address(user);
    if (!address)
        return nullptr;
    const auto key = address_key(*address);
    const auto found = directory.find(key);
    if (!found || (*found)->key != key || !(*found)->enabled || (*found)->verifier.empty())
        return nullptr;
    return *found;
}

/// The end of a proof that held: protocol rights, log line.
Result<MailboxPtr> admit(MailboxPtr mailbox, const Caller& caller, std::string_view mechanism) {
    if (!mailbox->allows(caller.protocol)) {
        log_failure(caller, mailbox->address, "the mailbox may not use this protocol");
        return fail(ErrorCode::denied, "this mailbox may not use " + std::string(protocol_name(caller.protocol)));
    }
    log(Event::auth_ok, {{"protocol", protocol_name(caller.protocol)},
                         {"peer", caller.peer},
                         {"sid", caller.session},
                         {"user", mailbox->address},
                         {"mechanism", mechanism},
                         {"tls", caller.tls ? 1 : 0}});
    return mailbox;
}

} // namespace

Task<Result<MailboxPtr>> SignIn::prove(std::string user, Secret password, Caller caller) {
    auto state = state_;
    const auto mailbox = find_user(state->directory, user);
    const std::string verifier_text = mailbox ? mailbox->verifier : std::string{};
    auto key = state->cache_key(user, password.reveal());
    if (mailbox && state->cached(key, verifier_text))
        co_return mailbox;
    auto verifier = mailbox ? sasl::parse_verifier(verifier_text) : Result<sasl::Verifier>{};
    // An unknown user costs what a known one costs (faults I28).
    const bool real = verifier.has_value();
    sasl::Verifier against = real ? *verifier : sasl::fake_verifier(state->fake_secret, text::to_lower(user));
    std::function<Result<bool>()> job = [against = std::move(against), password = std::move(password)] {
        return Result<bool>(sasl::check_password(against, password.reveal()));
    };
    const auto right = co_await state->pool.run<bool>(std::move(job));
    if (!right)
        co_return fail(right.error());
    if (!*right || !real) {
        log_failure(caller, user, mailbox ? "wrong password" : "no such user");
        co_return fail(refused());
    }
    state->remember(std::move(key), verifier_text);
    co_return mailbox;
}

Task<Result<MailboxPtr>> SignIn::check(std::string user, Secret password, Caller caller) {
    MAIL_CO_TRY(auto mailbox, co_await prove(std::move(user), std::move(password), caller));
    co_return admit(std::move(mailbox), caller, "LOGIN");
}

class SignIn::Exchange final : public SaslExchange {
  public:
    Exchange(SignIn& owner, std::unique_ptr<sasl::ServerMechanism> mechanism, std::string name, Caller caller)
        : owner_(owner), mechanism_(std::move(mechanism)), name_(std::move(name)), caller_(std::move(caller)) {}

    Task<Outcome> next(std::optional<std::string> response) override {
        sasl::Step step = started_ ? mechanism_->step(response.value_or(""))
                                   : mechanism_->start(response ? std::optional<std::string_view>(*response) : std::nullopt);
        started_ = true;
        for (;;) {
            if (auto* more = std::get_if<sasl::More>(&step))
                co_return Outcome{Challenge{std::move(more->challenge)}};
            if (auto* need = std::get_if<sasl::NeedVerifier>(&step)) {
                step = mechanism_->verifier(verifier_of(need->username));
                continue;
            }
            if (auto* plain = std::get_if<sasl::CheckPlain>(&step)) {
                auto proved = co_await owner_.prove(plain->username, plain->password, caller_);
                logged_ = !proved.has_value();
                if (!proved && proved.error().code != ErrorCode::unauthorized)
                    co_return Outcome{Refused{std::move(proved.error())}};
                step = mechanism_->outcome(proved.has_value());
                continue;
            }
            co_return finish(step);
        }
    }

  private:
    [[nodiscard]] sasl::Verifier verifier_of(const std::string& user) {
        if (const auto mailbox = find_user(owner_.state_->directory, user))
            if (auto verifier = sasl::parse_verifier(mailbox->verifier))
                return std::move(*verifier);
        return sasl::fake_verifier(owner_.state_->fake_secret, text::to_lower(user));
    }

    [[nodiscard]] Outcome finish(const sasl::Step& step) {
        if (const auto* failed = std::get_if<sasl::Failed>(&step)) {
            if (!logged_)
                log_failure(caller_, failed->username, failed->reason);
            if (failed->malformed)
                return Refused{Error{ErrorCode::invalid, "malformed SASL response", ""}};
            return Refused{refused()};
        }
        const auto& done = std::get<sasl::Done>(step);
        auto mailbox = find_user(owner_.state_->directory, done.authcid);
        // Acting as someone else needs a grant, which no one has yet (faults A13).
        if (!mailbox || (!done.authzid.empty() && !text::iequals(done.authzid, done.authcid))) {
            log_failure(caller_, done.authcid, "may not act as " + done.authzid);
            return Refused{refused()};
        }
        auto admitted = admit(std::move(mailbox), caller_, name_);
        if (!admitted)
            return Refused{std::move(admitted.error())};
        return Signed{std::move(*admitted)};
    }

    SignIn& owner_;
    std::unique_ptr<sasl::ServerMechanism> mechanism_;
    std::string name_;
    Caller caller_;
    bool started_ = false;
    bool logged_ = false;
};

std::unique_ptr<SaslExchange> SignIn::begin(std::string_view name, Caller caller, bool plaintext_allowed) {
    if (sasl::is_plaintext(name) && !plaintext_allowed)
        return nullptr;
    sasl::ChannelBinding binding;
    if (!caller.channel_binding.empty())
        binding = {"tls-exporter", caller.channel_binding};
    auto mechanism = sasl::make_server_mechanism(name, std::move(binding));
    if (!mechanism)
        return nullptr;
    return std::make_unique<Exchange>(*this, std::move(mechanism), text::to_upper(name), std::move(caller));
}

Duration SignIn::failure_delay(unsigned failures) noexcept {
    const std::int64_t unit = delay_unit_us.load();
    const unsigned doublings = std::min(failures == 0 ? 0U : failures - 1, 3U);
    return Duration{std::min(unit << doublings, unit * 15 / 2)};
}

void SignIn::set_failure_delay(Duration unit) noexcept { delay_unit_us.store(unit.count()); }

std::shared_ptr<void> SignIn::watch(const MailboxPtr& mailbox, std::function<void()> end, Caller who) {
    auto watcher = std::make_shared<State::Watcher>();
    watcher->key = mailbox->key;
    watcher->verifier = mailbox->verifier;
    watcher->end = std::move(end);
    watcher->open = {std::move(who), system_clock().now()};
    const std::lock_guard lock(state_->mutex);
    state_->watchers.emplace(watcher->key, watcher);
    return {watcher.get(), [state = state_, watcher](void*) {
                const std::lock_guard guard(state->mutex);
                auto [first, last] = state->watchers.equal_range(watcher->key);
                for (; first != last; ++first)
                    if (first->second == watcher) {
                        state->watchers.erase(first);
                        return;
                    }
            }};
}

std::vector<SignIn::OpenSession> SignIn::sessions(const std::string& mailbox_key) const {
    std::vector<OpenSession> out;
    {
        const std::lock_guard lock(state_->mutex);
        const auto [first, last] = state_->watchers.equal_range(mailbox_key);
        for (auto it = first; it != last; ++it)
            out.push_back(it->second->open);
    }
    std::sort(out.begin(), out.end(), [](const OpenSession& a, const OpenSession& b) { return a.since < b.since; });
    return out;
}

std::size_t SignIn::end_sessions(const std::string& mailbox_key, const std::string& session) {
    std::vector<std::shared_ptr<State::Watcher>> ending;
    {
        const std::lock_guard lock(state_->mutex);
        const auto [first, last] = state_->watchers.equal_range(mailbox_key);
        for (auto it = first; it != last; ++it)
            if (session.empty() || it->second->open.who.session == session)
                ending.push_back(it->second);
    }
    for (const auto& watcher : ending)
        watcher->end();
    return ending.size();
}

void SignIn::recheck(const store::Changes& changes) {
    constexpr std::string_view prefix = "mailbox/";
    std::vector<std::shared_ptr<State::Watcher>> ending;
    for (const auto& name : changes.resources) {
        if (!name.starts_with(prefix))
            continue;
        const auto mailbox = find_user(state_->directory, std::string_view(name).substr(prefix.size()));
        const std::lock_guard lock(state_->mutex);
        const auto [first, last] = state_->watchers.equal_range(name.substr(prefix.size()));
        for (auto it = first; it != last; ++it)
            if (!mailbox || mailbox->verifier != it->second->verifier)
                ending.push_back(it->second);
    }
    // A token dropped at this moment waits for nothing: the callback only posts to the session's own thread.
    for (const auto& watcher : ending)
        watcher->end();
}

} // namespace mail::service
