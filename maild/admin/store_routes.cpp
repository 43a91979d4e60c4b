// The space the store takes: GET /v1/store, and POST /v1/store/compact, which gives some of it back. A request runs a few
// turns, for mail to come between them; whoever wants it all asks again while the answer says "more".
#include "common/async/signal.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/reply.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace json = boost::json;
namespace {

constexpr int turns_of_request = 8;
constexpr unsigned percent = limit::compact_percent;
constexpr Duration pause = std::chrono::milliseconds(5); ///< between turns, for mail to go first

json::object space_json(const store::SpaceReport& space) {
    return {{"segments", space.segments},
            {"segment_bytes", space.segment_bytes},
            {"live_bytes", space.live_bytes},
            {"thin_segments", space.thin_segments},
            {"reclaimable_bytes", space.reclaimable},
            {"database_bytes", space.database_bytes},
            {"free_bytes", space.free_bytes}};
}

json::object compacted_json(const store::Maintained& done) {
    return {{"moved", done.moved},
            {"moved_bytes", done.moved_bytes},
            {"segments", done.segments},
            {"freed_bytes", done.freed_bytes},
            {"damaged", done.damaged},
            {"more", done.more}};
}

} // namespace

Task<net::HttpResponse> Api::store(const net::HttpRequest& request) {
    const auto& path = request.segments;
    if (path.size() == 2) {
        if (request.method != "GET")
            co_return method_not_allowed("GET");
        const auto space = co_await services_.store.space(percent);
        if (!space)
            co_return problem_reply(space.error());
        json::object out = space_json(*space);
        const auto stats = services_.store.stats();
        out["messages"] = stats.blobs;
        out["message_bytes"] = stats.blob_bytes;
        out["longest_turn_ms"] = static_cast<double>(stats.longest_turn) / 1000;
        co_return json_reply(out);
    }
    if (path.size() != 3 || path[2] != "compact")
        co_return problem_reply(Error{ErrorCode::not_found, "there is nothing at this path", "see: mailctl help store"});
    if (request.method != "POST")
        co_return method_not_allowed("POST");
    co_return co_await compact(request);
}

Task<net::HttpResponse> Api::compact(const net::HttpRequest& request) {
    const auto body = read_body(request, {"dry_run"});
    if (!body)
        co_return problem_reply(body.error());
    const auto* dry_run = body->if_contains("dry_run");
    if (dry_run != nullptr && !dry_run->is_bool())
        co_return problem_reply(Error{ErrorCode::invalid, "dry_run is true or false", ""});
    store::Maintained sum;
    if (dry_run == nullptr || !dry_run->get_bool()) {
        sum.more = true;
        for (int turn = 0; turn < turns_of_request && sum.more && !services_.stopping(); ++turn) {
            store::Maintenance what; // no times: housekeeping looks at what is old, this at space alone
            what.accounts_after = std::nullopt;
            const auto done = co_await services_.store.maintain(std::move(what));
            if (!done)
                co_return problem_reply(done.error());
            sum.moved += done->moved;
            sum.moved_bytes += done->moved_bytes;
            sum.segments += done->segments;
            sum.freed_bytes += done->freed_bytes;
            sum.damaged += done->damaged;
            sum.more = done->more;
            co_await async::sleep_for(pause);
        }
    }
    const auto space = co_await services_.store.space(percent);
    if (!space)
        co_return problem_reply(space.error());
    json::object out = compacted_json(sum);
    out["space"] = space_json(*space);
    co_return json_reply(out);
}

} // namespace mail::admin
