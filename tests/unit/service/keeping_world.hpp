// A world whose clock stands still until a test moves it, with mailboxes that lose messages.
#pragma once

#include "maild/service/mailboxes.hpp"
#include "tests/unit/service/world.hpp"

#include <atomic>

namespace mail::service::test {

class StillClock final : public Clock {
  public:
    [[nodiscard]] Time now() const override { return from_micros(micros); }
    [[nodiscard]] SteadyTime steady() const override { return SteadyTime{Duration{micros.load()}}; }
    void advance(Duration by) { micros += by.count(); }
    std::atomic<std::int64_t> micros{1'800'000'000'000'000};
};

struct KeepingWorld {
    StillClock clock;
    World world{clock};
    ChangeBus bus;
    Mailboxes mailboxes{*world.store, bus, world.directory, clock};

    store::FolderId folder(std::string_view key, const std::string& name) {
        return run(world.store->mail().find_folder(world.mailbox(key)->account, name)).value().id;
    }
    std::uint32_t messages(std::string_view key, const std::string& name) {
        return run(world.store->mail().find_folder(world.mailbox(key)->account, name)).value().messages;
    }
    void put(std::string_view key, const std::string& name, const std::string& text = "Subject: x\r\n\r\n") {
        Mailboxes::NewItem item;
        item.content.memory = std::make_shared<const std::string>(text);
        std::vector<Mailboxes::NewItem> items;
        items.push_back(std::move(item));
        REQUIRE(run(mailboxes.append(*world.mailbox(key), folder(key, name), std::move(items))));
    }
    void expunge(std::string_view key, const std::string& name) {
        REQUIRE(run(mailboxes.expunge(world.mailbox(key)->account, folder(key, name), {}, false)));
    }
    std::uint64_t recoverable(std::string_view key) {
        return run(world.store->recovery().use(world.mailbox(key)->account)).value().items;
    }
};

} // namespace mail::service::test
