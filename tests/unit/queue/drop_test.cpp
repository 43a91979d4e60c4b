// Delivery into a folder, and messages whose header changes on the way out.
#include "common/schema/kinds/domain.hpp"
#include "maild/queue/drop.hpp"
#include "maild/queue/head_source.hpp"
#include "tests/catch.hpp"

#include <filesystem>
#include <fstream>
#include <stdlib.h>

using namespace mail;
using namespace mail::queue;
namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder() {
        char name[] = "/tmp/drop-test.XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream in(path / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    fs::path path;
};

template <class T> Task<void> keep(Task<T> task, T& out) { out = co_await std::move(task); }
template <class T> T run(Task<T> task) {
    T out;
    async::run_until_done(keep(std::move(task), out));
    return out;
}

} // namespace

TEST_CASE("a dropped file appears whole under its name or not at all") {
    const Folder folder;
    const std::string place = (folder.path / "new").string();
    {
        const auto file = DropFile::create(place, "a.eml");
        REQUIRE(file);
        REQUIRE((*file)->append("one "));
        REQUIRE((*file)->append("two"));
        CHECK_FALSE(fs::exists(folder.path / "new" / "a.eml"));
        REQUIRE((*file)->finish());
    }
    CHECK(folder.read("new/a.eml") == "one two");
    {
        const auto abandoned = DropFile::create(place, "b.eml");
        REQUIRE(abandoned);
        REQUIRE((*abandoned)->append("half"));
    }
    CHECK(std::distance(fs::directory_iterator(place), fs::directory_iterator{}) == 1);
    // What a crash left, or somebody laid there as a trap, is not followed.
    std::ofstream(folder.path / "victim") << "safe";
    fs::create_symlink(folder.path / "victim", folder.path / "new" / ".c.eml");
    const auto file = DropFile::create(place, "c.eml");
    REQUIRE(file);
    REQUIRE((*file)->append("three"));
    REQUIRE((*file)->finish());
    CHECK(folder.read("victim") == "safe");
    CHECK(folder.read("new/c.eml") == "three");
    CHECK_FALSE(DropFile::create((folder.path / "no" / "such").string(), "a.eml"));
}

TEST_CASE("the envelope stands above the header, as IIS writes it") {
    Job job;
    store::QueueItem item;
    item.recipient = "a@x.test";
    job.items.push_back(item);
    item.recipient = "b@x.test";
    job.items.push_back(item);
    CHECK(drop_head(job) == "X-Sender: <>\r\nX-Receiver: <a@x.test>\r\nX-Receiver: <b@x.test>\r\n");
    job.envelope.sender = "s@y.test";
    CHECK(drop_head(job).starts_with("X-Sender: <s@y.test>\r\n"));
}

TEST_CASE("a changed header is read as one message with the body, in any pieces") {
    std::map<std::string, schema::Domain> domains;
    domains["example.org"].masquerade = true;
    const service::Masquerade masquerade(domains);
    const std::string body = "\r\nbody of root@h.example.org\r\n";
    smtp_client::StringSource stored(std::make_shared<const std::string>("From: root@h.example.org\r\n" + body));
    auto changed = run(masqueraded(stored, masquerade));
    REQUIRE(changed);
    REQUIRE(*changed);
    const std::string wanted = "From: root@example.org\r\n" + body;
    CHECK((*changed)->size() == wanted.size());
    for (const std::uint64_t piece : {1u, 3u, 7u, 1000u}) {
        std::string whole;
        for (std::uint64_t at = 0; at < wanted.size(); at += piece)
            whole += run((*changed)->read(at, piece)).value();
        CHECK(whole == wanted);
    }
    smtp_client::StringSource plain(std::make_shared<const std::string>("From: a@example.org\r\n" + body));
    CHECK_FALSE(*run(masqueraded(plain, masquerade)));
    CHECK_FALSE(*run(masqueraded(stored, service::Masquerade())));
    // A header longer than the first look.
    const std::string lengthy = "Subject: " + std::string(40000, 'x') + "\r\nFrom: root@h.example.org\r\n";
    smtp_client::StringSource large(std::make_shared<const std::string>(lengthy + body));
    auto late = run(masqueraded(large, masquerade));
    REQUIRE(*late);
    CHECK(run((*late)->read(40000, 100)).value().find("From: root@example.org\r\n\r\nbody") != std::string::npos);
}
