#include "maild/sessions.hpp"

#include "common/base/log.hpp"

namespace mail {
namespace {

template <class Profile> Profile reader_profile(const ListenerSettings& settings) {
    Profile out;
    out.hostname = settings.hostname;
    out.plaintext_auth = settings.spec.plaintext_auth == "allow";
    out.tls = settings.tls;
    out.is_overloaded = settings.is_overloaded;
    return out;
}

Task<void> run_smtp(const SessionServices& services, std::shared_ptr<const ListenerSettings> settings,
                    std::unique_ptr<net::Stream> stream, std::string id) {
    auto profile = smtp::profile_of(settings->spec, settings->tls);
    if (!profile) {
        log(Event::session_failed, {{"sid", id}, {"reason", profile.error().message}});
        co_return;
    }
    profile->limits.message_size = settings->message_size;
    profile->is_overloaded = settings->is_overloaded;
    smtp::Session session(services.smtp, std::move(*profile), *stream, std::move(id));
    co_await session.run();
}

Task<void> run_pop3(const SessionServices& services, std::shared_ptr<const ListenerSettings> settings,
                    std::unique_ptr<net::Stream> stream, std::string id) {
    auto profile = reader_profile<pop3::Profile>(*settings);
    profile.offer_stls = settings->spec.tls == "starttls" && settings->tls != nullptr;
    pop3::Session session(services.pop3, std::move(profile), *stream, std::move(id));
    co_await session.run();
}

} // namespace

Task<void> run_session(const SessionServices& services, std::shared_ptr<const ListenerSettings> settings,
                       std::unique_ptr<net::Stream> stream, std::string id) {
    const auto& protocol = settings->spec.protocol;
    if (protocol == "imap") {
        auto profile = reader_profile<imap::Profile>(*settings);
        profile.offer_starttls = settings->spec.tls == "starttls" && settings->tls != nullptr;
        co_await imap::serve(services.imap, std::move(profile), std::move(stream), std::move(id));
    } else if (protocol == "pop3") {
        co_await run_pop3(services, std::move(settings), std::move(stream), std::move(id));
    } else if (protocol == "smtp" || protocol == "submission" || protocol == "lmtp") {
        co_await run_smtp(services, std::move(settings), std::move(stream), std::move(id));
    } else {
        log(Event::session_failed, {{"sid", id}, {"reason", "no session for protocol " + protocol}});
    }
}

} // namespace mail
