#include "maild/service/history.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace mail::service {

namespace json = boost::json;

store::HistoryEntry history_entry(const Happening& happening) {
    json::array changes;
    for (const auto& [what, count] : happening.counts)
        changes.push_back(json::object{{"field", what}, {"before", ""}, {"after", count}});
    json::object operation{{"action", happening.action}, {"kind", "mailbox"}, {"name", happening.mailbox}};
    operation["changes"] = std::move(changes);
    store::HistoryEntry out;
    out.actor = happening.actor;
    out.summary = happening.summary;
    out.operations = json::serialize(json::array{std::move(operation)});
    return out;
}

std::string messages_text(std::size_t count) { return std::to_string(count) + (count == 1 ? " message" : " messages"); }

} // namespace mail::service
