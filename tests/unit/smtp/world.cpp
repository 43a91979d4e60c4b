#include "tests/unit/smtp/world.hpp"

#include "common/base/text.hpp"
#include "common/net/memory_stream.hpp"
#include "common/sasl/client.hpp"
#include "common/sasl/verifier.hpp"
#include "maild/service/rehearsal.hpp"
#include "maild/store/memory/memory_store.hpp"
#include "tests/catch.hpp"

#include <algorithm>

namespace mail::smtp::test {
namespace {

/// Runs a task that gives a value to its end.
template <class T> Task<void> keep(Task<T> task, T& out) { out = co_await std::move(task); }
template <class T> T run(Task<T> task) {
    T out;
    async::run_until_done(keep(std::move(task), out));
    return out;
}

/// AUTH SCRAM-SHA-256 to its end; the server's last line.
Task<std::string> scram(net::Stream& stream, net::Reader& reader, std::string user, std::string password) {
    const auto client = sasl::make_client_mechanism("SCRAM-SHA-256", {std::move(user), std::move(password), ""});
    std::string line = "AUTH SCRAM-SHA-256 " + text::base64(*client->initial()) + "\r\n";
    for (;;) {
        const auto sent = co_await stream.write(line);
        const auto reply = co_await reader.line(10000);
        if (!sent || !reply)
            co_return "EOF";
        if (!reply->starts_with("334 "))
            co_return client->is_complete() || reply->starts_with("535") ? *reply : "not proved: " + *reply;
        const auto response = client->step(text::unbase64(std::string_view(*reply).substr(4)).value_or(""));
        line = (response ? text::base64(*response) : "*") + "\r\n";
    }
}

Task<std::string> play(net::Stream& stream, const net::TlsClient* client, std::vector<std::string> steps) {
    net::Reader reader(stream);
    stream.set_timeout(std::chrono::seconds(20));
    std::string wrong;
    for (const std::string& step : steps) {
        if (step == "! tls") {
            net::TlsExpectation expectation;
            const auto done = co_await stream.start_tls(*client, std::move(expectation));
            if (!done)
                wrong = "tls failed: " + done.error().message;
        } else if (step.starts_with("> ")) {
            const std::string line = step.substr(2) + "\r\n";
            const auto sent = co_await stream.write(line);
            if (!sent)
                wrong = step + " could not be sent";
        } else {
            std::string got;
            if (step.starts_with("< scram ")) {
                // "< scram USER PASSWORD CODE"
                const auto words = text::split(step, ' ');
                std::string user(words[2]), password(words[3]);
                got = co_await scram(stream, reader, std::move(user), std::move(password));
                got = step.ends_with(got.substr(0, 3)) ? step.substr(2) : got;
            } else {
                const auto line = co_await reader.line(100000);
                got = line ? *line : "EOF";
            }
            if (!got.starts_with(step.substr(2)))
                wrong = "expected " + step + ", got " + got;
        }
        if (!wrong.empty())
            break;
    }
    stream.close();
    co_return wrong;
}

Task<void> play_into(std::unique_ptr<net::Stream> stream, const net::TlsClient* client, std::vector<std::string> steps,
                     std::string& out) {
    out = co_await play(*stream, client, std::move(steps));
}

Task<void> serve(std::unique_ptr<net::Stream> stream, Services services, Profile profile) {
    Session session(services, std::move(profile), *stream, "test");
    co_await session.run();
}

} // namespace

World::World(const Clock& clock) : clock_(clock), store_(store::open_memory(system_clock())) {
    service::SignIn::set_failure_delay(std::chrono::milliseconds(1));
    config_ = std::make_unique<service::Config>(*store_);
    directory_ = std::make_unique<service::Directory>(*store_, *config_);
    pool_ = std::make_unique<async::WorkerPool>(1, 100);
    sign_in_ = std::make_unique<service::SignIn>(*store_, *directory_, *pool_);
    delivery_ = std::make_unique<service::Delivery>(*store_, *config_, *directory_, clock_);
    stories_ = std::make_unique<service::Stories>(*store_, clock_);
    delivery_->set_stories(stories_.get());
    sending_ = std::make_unique<service::Sending>(*store_, *config_, *delivery_, clock_);
    auto made = net::TlsServer::create();
    REQUIRE(made);
    tls_ = std::move(*made);
    store_->on_commit([this](const store::Changes& changes) { directory_->forget(changes); });
    REQUIRE(sign_in_->open());
    REQUIRE(directory_->open());
    add("server", "server", R"({"hostname":"mx.example.test"})");
    add("domain", "example.test", "{}");
    add_mailbox({"ann@example.test", "secret-a", R"(,"aliases":["a.archer@example.test"])"});
    add_mailbox({"bob@example.test", "secret-b", ""});
}
World::~World() = default;

std::vector<store::Story> World::stories() {
    stories_->close(); // what it was told is then written
    async::run_until_done(stories_->run());
    stories_ = std::make_unique<service::Stories>(*store_, system_clock());
    delivery_->set_stories(stories_.get());
    auto page = run(store_->stories().find({}));
    REQUIRE(page);
    std::reverse(page->stories.begin(), page->stories.end());
    return std::move(page->stories);
}

std::string World::verifier(const std::string& password) {
    return sasl::to_text(sasl::make_verifier(password, 4096).value());
}

void World::add_mailbox(const MailboxSpec& mailbox) {
    store::ResourceBatch batch;
    store::ResourceWrite write;
    write.kind = "mailbox";
    write.name = mailbox.name;
    write.spec = R"({"password":{"hash":")" + verifier(mailbox.password) + "\"}" + mailbox.extra + "}";
    write.addresses = {mailbox.name};
    if (mailbox.extra.find("a.archer@example.test") != std::string::npos)
        write.addresses.push_back("a.archer@example.test");
    write.has_account = true;
    batch.writes.push_back(std::move(write));
    REQUIRE(run(store_->resources().apply(std::move(batch))));
    REQUIRE(run(config_->reload()));
}

void World::add(std::string kind, std::string name, std::string spec, std::vector<std::string> addresses) {
    store::ResourceBatch batch;
    store::ResourceWrite write;
    write.kind = std::move(kind);
    write.name = std::move(name);
    write.spec = std::move(spec);
    write.addresses = std::move(addresses);
    batch.writes.push_back(std::move(write));
    REQUIRE(run(store_->resources().apply(std::move(batch))));
    REQUIRE(run(config_->reload()));
}

Services World::services() { return {*config_, *directory_, *delivery_, *sign_in_, budget, &store_->queue(), sending_.get()}; }

std::string World::talk_stopped(const Profile& profile, std::string input) {
    std::string output;
    const auto stream = net::make_script_stream(std::move(input), &output);
    Session session(services(), profile, *stream, "test");
    stream->ender()();
    async::run_until_done(session.run());
    return output;
}

std::string World::talk(const Profile& profile, std::string input, std::size_t piece) {
    std::string output;
    const auto stream = net::make_script_stream(std::move(input), &output, [piece] { return piece; });
    Session session(services(), profile, *stream, "test");
    async::run_until_done(session.run());
    return output;
}

World::Rehearsed World::rehearse(const Profile& profile, std::string input, std::string_view sign_in) {
    Rehearsed out;
    service::Rehearsal rehearsal(*store_, *config_, *directory_, system_clock());
    const auto stream = net::make_script_stream(std::move(input), &out.output);
    Services rehearsed{*config_, *directory_, rehearsal, *sign_in_, budget};
    Session session(rehearsed, profile, *stream, "test");
    if (!sign_in.empty())
        session.sign_in_as(directory_->find(sign_in).value());
    async::run_until_done(session.run());
    out.story = rehearsal.story();
    return out;
}

std::string World::converse(const Profile& profile, std::vector<std::string> steps) {
    auto client = net::TlsClient::create();
    REQUIRE(client);
    async::Runtime runtime(1);
    async::TaskGroup group;
    std::string wrong = "nothing happened";
    auto [server_end, client_end] = net::make_memory_pair();
    group.spawn(runtime.executor(0), serve(std::move(server_end), services(), profile));
    group.spawn(runtime.executor(0), play_into(std::move(client_end), client->get(), std::move(steps), wrong));
    runtime.start();
    const bool ended = group.wait(std::chrono::seconds(30));
    CHECK(ended);
    if (!ended) {
        group.cancel();
        (void)group.wait(std::chrono::seconds(5));
    }
    runtime.stop();
    return wrong;
}

std::string World::stored(const store::BlobRef& blob) { return run(store_->mail().read(blob, 0, blob.length)).value(); }

std::vector<std::string> World::inbox(std::string_view mailbox) {
    const auto account = run(store_->mail().find_account(mailbox));
    REQUIRE(account);
    const auto folder = run(store_->mail().find_folder(*account, "INBOX"));
    REQUIRE(folder);
    store::UidSet all{{1, 0xffffffff}};
    const auto bodies = run(store_->mail().bodies(folder->id, all, 1000));
    REQUIRE(bodies);
    std::vector<std::string> out;
    for (const store::ItemBody& body : *bodies)
        out.push_back(body.prefix + stored(body.blob));
    return out;
}

std::vector<store::QueueItem> World::queue() { return run(store_->queue().list({})).value(); }

Profile World::mx() const {
    Profile profile;
    profile.listener = "mx";
    profile.error_delay = Duration(0);
    return profile;
}

Profile World::submission() const {
    Profile profile = mx();
    profile.role = Role::submission;
    profile.plaintext_auth = true;
    return profile;
}

Profile World::lmtp() const {
    Profile profile = mx();
    profile.role = Role::lmtp;
    return profile;
}

std::string envelope(std::string_view from, std::vector<std::string_view> to, std::string_view hello) {
    std::string out = std::string(hello) + " client.example\r\nMAIL FROM:<" + std::string(from) + ">\r\n";
    for (const std::string_view rcpt : to)
        out += "RCPT TO:<" + std::string(rcpt) + ">\r\n";
    return out;
}

} // namespace mail::smtp::test
