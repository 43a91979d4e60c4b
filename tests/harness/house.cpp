#include "tests/harness/house.hpp"

#include "common/base/log.hpp"
#include "common/net/certificate.hpp"
#include "common/sasl/verifier.hpp"
#include "common/schema/yaml.hpp"
#include "maild/store/memory/memory_store.hpp"

#include <stdexcept>

namespace mail::harness {
namespace {

template <class T> Task<void> keep(Task<Result<T>> task, Result<T>& out) { out = co_await std::move(task); }
template <class T> Result<T> run(Task<Result<T>> task) {
    Result<T> out;
    async::run_until_done(keep(std::move(task), out));
    return out;
}

const std::string& secret_verifier() {
    static const std::string text = sasl::to_text(sasl::make_verifier("secret", 4096).value());
    return text;
}

} // namespace

const net::TlsCertificate& test_certificate() {
    static const net::TlsCertificate certificate = [] {
        auto made = net::make_self_signed({"localhost", "127.0.0.1"}, 2);
        if (!made)
            throw std::runtime_error(made.error().message);
        return net::TlsCertificate{{}, std::move(made->cert_pem), std::move(made->key_pem)};
    }();
    return certificate;
}

struct House::State {
    State()
        : store(store::open_memory(system_clock())), pool(1, 100), config(*store), directory(*store, config),
          sign_in(*store, directory, pool), mailboxes(*store, bus, directory, system_clock()),
          delivery(*store, config, directory, system_clock()),
          resources(*store, pool, [this](std::uint64_t) { return reload(); }),
          sending(*store, config, delivery, system_clock()),
          services{{config, directory, delivery, sign_in, budget, &store->queue(), &sending},
                   {mailboxes, sign_in, companions, pool, system_clock()},
                   {mailboxes, sign_in, maildrops}} {}

    Task<void> reload() {
        const auto done = co_await config.reload();
        static_cast<void>(done);
    }

    std::unique_ptr<store::Store> store;
    async::WorkerPool pool;
    service::ChangeBus bus;
    service::Config config;
    service::Directory directory;
    service::SignIn sign_in;
    service::Mailboxes mailboxes;
    service::Delivery delivery;
    smtp::ByteBudget budget;
    pop3::MaildropLocks maildrops;
    async::TaskGroup companions;
    admin::Resources resources;
    service::Sending sending;
    SessionServices services;
    std::shared_ptr<const net::TlsServer> tls;
};

House::House() : state_(std::make_unique<State>()) {
    set_log_level(LogLevel::error);
    service::SignIn::set_failure_delay(std::chrono::milliseconds(1));
    auto tls = net::TlsServer::create({test_certificate()});
    if (!tls)
        throw std::runtime_error(tls.error().message);
    state_->tls = std::move(*tls);
    state_->store->on_commit([state = state_.get()](const store::Changes& changes) {
        state->directory.forget(changes);
        state->bus.publish(changes);
    });
    const auto ready = state_->sign_in.open() && state_->directory.open() && state_->resources.open() && run(state_->config.reload()) &&
                       add({"server", "server", "{hostname: mx.example.test}", 0}) &&
                       add({"domain", "example.org", "{}", 0});
    if (!ready)
        throw std::runtime_error("the test house cannot be set up");
}

House::~House() {
    state_->companions.close();
    state_->store->close();
}

const SessionServices& House::services() const noexcept { return state_->services; }
async::TaskGroup& House::companions() noexcept { return state_->companions; }

std::shared_ptr<const ListenerSettings> House::listener(const std::string& protocol, bool plaintext) const {
    auto out = std::make_shared<ListenerSettings>();
    for (const auto& [name, spec] : state_->config.current()->listeners)
        if (spec.protocol == protocol)
            out->spec = spec;
    out->spec.name = protocol;
    out->spec.protocol = protocol;
    out->spec.tls = "starttls";
    out->spec.plaintext_auth = plaintext ? "allow" : "refuse";
    out->hostname = "mx.example.test";
    const std::uint64_t usual = state_->config.current()->server.message_size.count;
    out->message_size = out->spec.max_message_size != 0 ? out->spec.max_message_size.count : usual;
    out->tls = state_->tls;
    return out;
}

Result<void> House::add(const Given& given) {
    return given.kind == "message" ? add_message(given) : add_resource(given);
}

Result<void> House::add_resource(const Given& given) {
    std::string spec = given.rest.empty() ? "{}" : given.rest;
    if (given.kind == "mailbox")
        spec.insert(1, "password: {hash: \"" + secret_verifier() + (spec == "{}" ? "\"}" : "\"}, "));
    auto read = schema::read_yaml("kind: " + given.kind + "\nname: \"" + given.name + "\"\nspec: " + spec + "\n", "given");
    if (schema::has_errors(read.issues))
        return fail(schema::to_error(read.issues));
    admin::ChangeRequest request;
    request.documents = std::move(read.documents);
    request.actor = "test";
    admin::ChangeFailure why;
    const auto changed = run(state_->resources.change(std::move(request), why));
    if (!changed)
        return fail(changed.error());
    return {};
}

Result<void> House::add_message(const Given& given) {
    std::string bytes;
    for (std::size_t i = 0; i < given.rest.size(); ++i) {
        const bool line_end = given.rest.compare(i, 2, "\\n") == 0;
        bytes += line_end ? std::string("\r\n") : std::string(1, given.rest[i]);
        i += line_end ? 1 : 0;
    }
    bytes += "\r\n";
    if (bytes.find("\r\n\r\n") == std::string::npos)
        bytes += "\r\n";
    MAIL_TRY(const auto address, parse_address(given.name));
    service::AcceptedRecipient recipient;
    recipient.address = address;
    MAIL_TRY(recipient.resolution, state_->directory.resolve(address));
    service::Incoming incoming;
    incoming.id = Id::make(system_clock().now());
    incoming.content.memory = std::make_shared<const std::string>(std::move(bytes));
    incoming.envelope.sender = "sender@remote.test";
    incoming.recipients.push_back(std::move(recipient));
    const auto accepted = run(state_->delivery.accept(std::move(incoming)));
    if (!accepted)
        return fail(accepted.error());
    return {};
}

} // namespace mail::harness
