// Packed listings: the codec, and that a store with packs always lists what one without them does.
#include "maild/store/sqlite/pack_codec.hpp"
#include "maild/store/sqlite/sqlite_store.hpp"
#include "tests/unit/store/sqlite_bench.hpp"

#include <random>
#include <thread>

namespace mail::store::test {
namespace {

using sqlite::pack_rows;
using sqlite::unpack_rows;

struct Random {
    explicit Random(std::uint32_t seed) : engine(seed) {}
    std::uint32_t operator()() { return static_cast<std::uint32_t>(engine()); }
    std::mt19937 engine;
};

constexpr UidRange everywhere{1, ~Uid{0}};

std::vector<ItemRow> some_rows(Random& random, std::size_t count) {
    static const std::string sets[] = {"", "", "", "$Work", "$Work apple", std::string(300, 'k')};
    std::vector<ItemRow> rows;
    Uid uid = 0;
    for (std::size_t i = 0; i < count; ++i) {
        ItemRow row;
        uid += 1 + random() % (random() % 10 == 0 ? 100000 : 2);
        row.uid = uid;
        row.flags = static_cast<std::uint8_t>(random() % 32);
        row.keywords = sets[random() % std::size(sets)];
        row.modseq = random() % 3 == 0 ? std::uint64_t{random()} << 31 : random() % 1000;
        row.internal_date = from_micros(random() % 5 == 0 ? -1'000'000 : 1'700'000'000'000'000 + std::int64_t{random()} * 1000);
        row.size = static_cast<std::uint32_t>(random());
        rows.push_back(std::move(row));
    }
    return rows;
}

bool same(const std::vector<ItemRow>& a, const std::vector<ItemRow>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ItemRow& x, const ItemRow& y) {
        return x.uid == y.uid && x.flags == y.flags && x.keywords == y.keywords && x.modseq == y.modseq &&
               x.internal_date == y.internal_date && x.size == y.size;
    });
}

/// The same random life in a store with small packs and in one without any.
struct Twins {
    explicit Twins(std::uint32_t seed) : random(seed) {
        for (std::size_t i = 0; i < 2; ++i) {
            accounts[i] = add_mailbox(*stores[i], "ann@example.org");
            folders[i].push_back(need(stores[i]->mail().find_folder(accounts[i], "INBOX")).id);
            folders[i].push_back(need(stores[i]->mail().find_folder(accounts[i], "Archive")).id);
        }
    }

    static std::unique_ptr<Store> open(const ScratchDirectory& directory, const Clock& clock, std::size_t items) {
        SqliteOptions options = options_for(directory.path(), clock);
        options.pack_items = items;
        return open_at(std::move(options));
    }
    void close() {
        for (auto& store : stores)
            store.reset();
    }
    void reopen() {
        close();
        stores[0] = open(directories[0], clock, 16);
        stores[1] = open(directories[1], clock, 0);
    }
    template <class Step> void both(const Step& step) {
        for (std::size_t i = 0; i < 2; ++i)
            step(stores[i]->mail(), accounts[i], folders[i]);
        clock.advance(std::chrono::milliseconds(random() % 5000));
    }
    UidSet some_uids() {
        const Uid first = 1 + random() % last;
        return {{first, std::min<Uid>(last, first + random() % (random() % 4 == 0 ? 60 : 3))}};
    }
    void step();
    void compare() {
        for (std::size_t f = 0; f < folders[0].size(); ++f) {
            const auto packed = need(stores[0]->mail().list(folders[0][f]));
            const auto plain = need(stores[1]->mail().list(folders[1][f]));
            REQUIRE(packed.folder.modseq == plain.folder.modseq);
            REQUIRE(same(packed.items, plain.items));
        }
    }

    Random random;
    StillClock clock;
    ScratchDirectory directories[2];
    std::unique_ptr<Store> stores[2] = {open(directories[0], clock, 16), open(directories[1], clock, 0)};
    AccountId accounts[2] = {};
    std::vector<FolderId> folders[2];
    Uid last = 1; ///< about as many UIDs as the folders have seen
};

void Twins::step() {
    const std::size_t here = random() % 2;
    const UidSet which = some_uids();
    const std::uint32_t what = random() % 100;
    const std::uint32_t detail = random();
    both([&](MailStore& mail, AccountId account, const std::vector<FolderId>& all) {
        if (what < 45) {
            std::vector<AcceptPlan> plans(1 + detail % 8);
            for (AcceptPlan& plan : plans) {
                plan.message = Id::make(clock.now());
                plan.content.memory = std::make_shared<const std::string>(1 + detail % 50, 'x');
                LocalCopy copy;
                copy.account = account;
                copy.folder = all[here];
                copy.internal_date = clock.now();
                plan.local.push_back(copy);
            }
            need(mail.append(std::move(plans)));
        } else if (what < 75) {
            FlagChange change;
            change.folder = all[here];
            change.uids = which;
            change.operation = static_cast<FlagOperation>(detail % 3);
            change.flags = static_cast<std::uint8_t>(detail >> 8) % 32;
            if (detail % 5 == 0)
                change.keywords = {"word" + std::to_string(detail % 7)};
            need(mail.change_flags(std::move(change)));
        } else if (what < 85) {
            need(mail.expunge(all[here], which, detail % 2 == 0));
        } else if (what < 97) {
            need(mail.copy(all[here], which, all[1 - here], detail % 2 == 0, 0));
        } else if (what == 97) {
            done(mail.drop_derived());
        } else {
            (void)wait(mail.rename_folder(all[0], "from INBOX " + std::to_string(detail)));
        }
    });
    last = std::max({last, need(stores[1]->mail().folder(folders[1][0])).uid_next,
                     need(stores[1]->mail().folder(folders[1][1])).uid_next});
}

} // namespace

TEST_CASE("a pack gives back the rows it was made of") {
    Random random(7);
    for (const std::size_t count : {0U, 1U, 2U, 17U, 2048U}) {
        const auto rows = some_rows(random, count);
        std::vector<ItemRow> out = some_rows(random, 1);
        const ItemRow before = out.front();
        REQUIRE(unpack_rows(pack_rows(rows), everywhere, out));
        CHECK(same({before}, {out.front()}));
        out.erase(out.begin());
        CHECK(same(out, rows));
    }
}

TEST_CASE("a damaged pack is none, and adds nothing") {
    Random random(8);
    const auto rows = some_rows(random, 40);
    const std::string good = pack_rows(rows);
    std::vector<ItemRow> out;
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
        REQUIRE(!unpack_rows(bad, everywhere, out));
        REQUIRE(!unpack_rows(good.substr(0, i), everywhere, out));
    }
    CHECK(!unpack_rows(good, {rows.front().uid + 1, rows.back().uid}, out));
    CHECK(!unpack_rows(good, {rows.front().uid, rows.back().uid - 1}, out));
    CHECK(out.empty());
    CHECK(unpack_rows(good, {rows.front().uid, rows.back().uid}, out));
}

TEST_CASE("a folder lists the same with packs and without, whatever happens to it") {
    const auto seed = GENERATE(range(1U, 5U));
    INFO("seed " << seed);
    Twins twins(seed);
    for (int i = 0; i < 250; ++i) {
        twins.step();
        if (i % 10 == 0)
            twins.compare();
        if (i % 100 == 99)
            twins.reopen();
    }
    twins.compare();
    twins.close();
    const auto report = check_store(twins.directories[0].path().string());
    REQUIRE(report);
    CHECK(report->problems == std::vector<std::string>{});
    CHECK(report->derived_rows > 0); // there are packs; how many depends on how far they are made
}

} // namespace mail::store::test
