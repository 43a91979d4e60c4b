// `mailctl store`: the space that messages take, over prepared answers of the server.
#include "tests/catch.hpp"
#include "tests/unit/mailctl/fake_server.hpp"

#include <boost/json.hpp>

using namespace mail;
using namespace mail::mailctl::test;

namespace {

/// An answer to one request for compaction.
std::string compacted(std::string_view damaged) {
    return R"({"moved":3,"moved_bytes":2048,"segments":1,"freed_bytes":1048576,"damaged":)" + std::string(damaged) +
           R"(,"more":false,"space":{"thin_segments":2,"reclaimable_bytes":3145728}})";
}

} // namespace

TEST_CASE("store compact says what it gave back, and ends with 9 over a damaged message") {
    FakeState state;
    state.answers["POST /v1/store/compact"] = {200, compacted("0")};
    Outcome outcome = run_mailctl(state, {"store", "compact"});
    CHECK(outcome.code == 0);
    CHECK(outcome.out == "gave back 1 MiB of 1 segment, moved 3 messages (2 KiB)\n");
    state.answers["POST /v1/store/compact"] = {200, compacted("2")};
    outcome = run_mailctl(state, {"store", "compact"});
    CHECK(outcome.code == 9);
    CHECK(outcome.err.find("2 damaged messages stay in place") != std::string::npos);
    outcome = run_mailctl(state, {"store", "compact", "-o", "json"});
    CHECK(outcome.code == 9);
    CHECK(boost::json::parse(outcome.out).at("freed_bytes").as_int64() == 1048576);
}

TEST_CASE("store compact --dry-run asks and changes nothing") {
    FakeState state;
    state.answers["POST /v1/store/compact"] = {200, compacted("0")};
    CHECK(run_mailctl(state, {"store", "compact", "--dry-run"}).out == "would give back about 3 MiB of 2 segments\n");
    CHECK(boost::json::parse(state.calls.back().body) == boost::json::parse(R"({"dry_run":true})"));
}

TEST_CASE("store compact tells a full disk") {
    FakeState state;
    state.answers["POST /v1/store/compact"] = {507, R"({"status":507,"code":"no_space","detail":"the disk has no room to compact segments","hint":"free disk space"})"};
    const Outcome outcome = run_mailctl(state, {"store", "compact"});
    CHECK(outcome.code != 0);
    CHECK(outcome.err.find("no room to compact") != std::string::npos);
}

TEST_CASE("store stats for people and for programs") {
    FakeState state;
    state.answers["GET /v1/store"] = {200, R"({"segments":3,"segment_bytes":2097152,"longest_turn_ms":12.5})"};
    const Outcome table = run_mailctl(state, {"store", "stats", "-o", "table"});
    CHECK(table.out.find("2 MiB") != std::string::npos);
    CHECK(table.out.find("segment bytes") != std::string::npos);
    const Outcome json = run_mailctl(state, {"store", "stats", "-o", "json"});
    CHECK(boost::json::parse(json.out).at("segments").as_int64() == 3);
}
