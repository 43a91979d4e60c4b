// A whole session fed with bytes, in several roles and starting states: the first byte picks them, the second how reads
// are cut. Never a crash or a hang, and never more than one message stored for one end of data.
#include "common/async/runtime.hpp"
#include "common/base/log.hpp"
#include "common/net/memory_stream.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/smtp/session.hpp"
#include "maild/store/memory/memory_store.hpp"

#include <cstdlib>

using namespace mail;
using namespace mail::smtp;

namespace {

void demand(bool ok) {
    if (!ok)
        std::abort();
}

Task<void> set_up(store::Store& store, service::Config& config) {
    for (const auto& [kind, name] : {std::pair("domain", "example.test"), std::pair("mailbox", "ann@example.test")}) {
        store::ResourceBatch batch;
        store::ResourceWrite write;
        write.kind = kind;
        write.name = name;
        write.spec = "{}";
        write.has_account = write.kind == "mailbox";
        if (write.has_account)
            write.addresses = {name};
        batch.writes.push_back(std::move(write));
        const auto done = co_await store.resources().apply(std::move(batch));
        demand(done.has_value());
    }
    const auto loaded = co_await config.reload();
    demand(loaded.has_value());
}

struct World {
    std::unique_ptr<store::Store> store = store::open_memory(system_clock());
    service::Config config{*store};
    service::Directory directory{*store, config};
    async::WorkerPool pool{1, 10};
    service::SignIn sign_in{*store, directory, pool};
    service::Delivery delivery{*store, config, directory, system_clock()};
    ByteBudget budget;
    World() {
        set_log_level(LogLevel::error);
        service::SignIn::set_failure_delay(Duration(0));
        demand(sign_in.open().has_value());
        async::run_until_done(set_up(*store, config));
    }
};

constexpr std::string_view beginnings[] = {
    "",
    "EHLO c\r\n",
    "EHLO c\r\nMAIL FROM:<a@b.test>\r\n",
    "EHLO c\r\nMAIL FROM:<a@b.test> BODY=BINARYMIME\r\nRCPT TO:<ann@example.test>\r\n",
    "EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n",
    "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\nRCPT TO:<ann@example.test>\r\n",
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2)
        return 0;
    static std::unique_ptr<World> world;
    static int used = 0;
    if (!world || ++used % 500 == 0)
        world = std::make_unique<World>(); // what was stored before goes
    Profile profile;
    profile.role = static_cast<Role>(data[0] % 3);
    profile.error_delay = Duration(0);
    profile.limits.message_size = 4096;
    profile.plaintext_auth = (data[0] & 128) != 0;
    std::string input(beginnings[(data[0] / 3) % std::size(beginnings)]);
    input.append(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::size_t piece = data[1] % 32 + 1u;
    std::string output;
    const auto stream = net::make_script_stream(std::move(input), &output, [piece] { return piece; });
    const Services services{world->config, world->directory, world->delivery, world->sign_in, world->budget, &world->store->queue()};
    Session session(services, profile, *stream, "fuzz");
    async::run_until_done(session.run());
    demand(output.starts_with("220 ") && output.ends_with("\r\n"));
    demand(world->budget.left() == limit::inflight_bytes);
    return 0;
}
