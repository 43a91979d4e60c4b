#include "mailctl/output/story_text.hpp"

#include "mailctl/output/value.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <map>

namespace mail::mailctl {

namespace json = boost::json;

namespace {

std::string word(const json::value& from, std::string_view path) { return clean(text_at(from, path)); }

bool is_on(const json::value& from, std::string_view path) {
    const json::value* value = at_path(from, path);
    return value != nullptr && value->is_bool() && value->get_bool();
}

std::string moment(const json::value& from, std::string_view path, Time now) {
    const auto time = parse_rfc3339(text_at(from, path));
    return time ? human_moment(*time, now) : std::string();
}

/// `mx.example.org[192.0.2.1]:25 said "451 come back"`, or our own words.
std::string said(const json::value& recipient) {
    const std::string text = word(recipient, "text"), remote = word(recipient, "remote");
    if (text.empty())
        return {};
    if (is_on(recipient, "from_remote"))
        return (remote.empty() ? std::string("the other server") : remote) + " said \"" + text + "\"";
    return text + (remote.empty() ? "" : " (" + remote + ")");
}

std::string by_actor(const json::value& recipient) {
    const std::string actor = word(recipient, "actor");
    return actor.empty() ? std::string() : " by an administrator (" + actor + ")";
}

/// Where a message that was only simulated would go.
std::string way_sentence(const json::value& way) {
    std::string out = "goes to the queue and out by ";
    const std::string route = word(way, "route");
    out += (route.empty() ? std::string("the default way") : "route " + route) + ", TLS " + word(way, "tls");
    for (const auto& [name, words] : {std::pair("held", "; it would be held: "), std::pair("suppressed", "; it would be returned: "),
                                      std::pair("problem", "; no host can be tried: ")})
        if (const std::string text = word(way, name); !text.empty())
            out += words + text;
    const json::value* hosts = at_path(way, "hosts");
    if (hosts != nullptr && hosts->is_array() && !hosts->get_array().empty())
        out += ", to " + clean(human_text(hosts, Unit::text, {}));
    return out;
}

std::string waiting_sentence(const json::value& recipient, Time now) {
    const std::string queue = raw_text(at_path(recipient, "queue")), next = moment(recipient, "next_attempt", now);
    const auto attempts = number_at(recipient, "attempts");
    std::string out = "waits in the queue" + (queue.empty() ? std::string() : " as " + clean(queue));
    const std::string why = said(recipient);
    if (attempts > 0)
        out += ": attempt " + std::to_string(attempts) + " did not succeed" + (why.empty() ? "" : ", " + why);
    else
        out += ", not tried yet";
    if (!next.empty())
        out += "; the next attempt is " + (next == "now" || next.ends_with("ago") ? std::string("due now") : next);
    return out;
}

std::string failed_sentence(const json::value& recipient) {
    std::string out = is_on(recipient, "expired") ? "given up, its time was over" : "could not be delivered";
    if (const std::string why = said(recipient); !why.empty())
        out += ": " + why;
    const std::string report = word(recipient, "report");
    return out + (!is_on(recipient, "reported") ? "; no report was sent" : "; the sender was told") +
           (report.empty() ? "" : " by message " + report);
}

/// "through alias sales@example.org and forward ann@example.org"
std::string through(const json::value* via) {
    if (via == nullptr || !via->is_array() || via->get_array().empty())
        return {};
    std::string out;
    const auto& hops = via->get_array();
    for (std::size_t i = 0; i < hops.size(); ++i)
        out += (i == 0 ? "through " : i + 1 == hops.size() ? " and " : ", ") + clean(raw_text(&hops[i]));
    return out;
}

/// Members that a sentence does not speak of.
std::string members(const json::value& event) {
    std::string out;
    for (const auto& member : event.get_object()) {
        if (member.key() == "event" || member.key() == "at" || member.key() == "what")
            continue;
        out += (out.empty() ? "" : ", ") + clean(std::string(member.key())) + " " + clean(raw_text(&member.value()));
    }
    return out;
}

/// What follows the message's own id in the id of an event: "/3".
std::string short_id(const std::string& id) { return id.substr(std::min(id.find('/'), id.size())); }

/// Text that begins at column `begin`, broken to fit a terminal, its further lines indented by `indent`. Scripts get one line.
std::string fitted(std::string_view text, const Terminal& terminal, std::size_t begin, std::size_t indent) {
    if (!terminal.tty)
        return std::string(text);
    const std::size_t lead = begin > indent ? begin - indent : 0; // columns that are already taken
    return wrapped(std::string(lead, 'x') + std::string(text), terminal.width, indent).substr(lead);
}

constexpr std::size_t day_size = 10; // of 2026-01-31

/// People get the short id and, on the story's own day, the time without the date; both stand in its heading.
std::string event_line(const json::value& event, std::string_view day, const Terminal& terminal, Time now) {
    std::string id = word(event, "event"), at = word(event, "at");
    if (terminal.tty) {
        id = padded(short_id(id), 5);
        if (at.starts_with(day) && at.size() > day_size + 2)
            at = at.substr(day_size + 1, at.size() - day_size - 2);
    }
    const std::size_t begin = 2 + id.size() + 2 + at.size() + 2;
    return "  " + toned(id, Tone::faint, terminal.colour) + "  " + at + "  " + fitted(event_sentence(event, now), terminal, begin, begin) + "\n";
}

std::string sender_words(const std::string& sender) { return sender.empty() ? "<> (a report)" : sender; }

std::string refused_sentence(const json::value& event) {
    const std::string address = word(event, "address");
    return "refused" + (address.empty() ? " the message" : " " + address) + ": " + word(event, "reply");
}

/// "attempt at mx...: ann@far.test relayed, ..." with the same words as for recipients.
std::string attempt_sentence(const json::value& event, std::string_view what, Time now) {
    std::string out(what);
    if (const std::string remote = word(event, "remote"); !remote.empty())
        out += " at " + remote;
    if (const std::string route = word(event, "route"); !route.empty())
        out += " by route " + route;
    if (const std::string tls = word(event, "tls"); !tls.empty())
        out += " with " + tls;
    if (at_path(event, "ms") != nullptr && what == "attempt")
        out += " in " + std::to_string(number_at(event, "ms")) + " ms";
    const json::value* list = at_path(event, "recipients");
    if (list != nullptr && list->is_array())
        for (const json::value& recipient : list->get_array()) {
            const std::string text = word(recipient, "text");
            out += "; " + word(recipient, "recipient") + " " + word(recipient, "outcome") + (text.empty() ? "" : ": " + text);
            if (const std::string next = moment(recipient, "next", now); !next.empty())
                out += ", again " + next;
        }
    return out;
}

/// The last refusal of a story, for one that nobody got as far as being a recipient of.
std::string refusal_of(const json::value& story) {
    std::string reply;
    if (const json::value* events = at_path(story, "events"); events != nullptr && events->is_array())
        for (const json::value& event : events->get_array())
            if (word(event, "what") == "refused")
                reply = word(event, "reply");
    return reply;
}

using Sentence = std::string (*)(const json::value& event);
const std::map<std::string_view, Sentence>& sentences() {
    static const std::map<std::string_view, Sentence> table{
        {"connection", [](const json::value& e) { return "connection from " + word(e, "from") + " to listener " + word(e, "listener"); }},
        {"spoken-for", [](const json::value& e) {
             const std::string name = word(e, "name");
             return word(e, "by") + " speaks for " + word(e, "for") + (name.empty() ? "" : " (" + name + ")");
         }},
        {"hello", [](const json::value& e) { return word(e, "verb") + " " + word(e, "name"); }},
        {"tls", [](const json::value& e) { return "encrypted with " + word(e, "version") + " " + word(e, "cipher"); }},
        {"sign-in", [](const json::value& e) { return "signed in as " + word(e, "mailbox"); }},
        {"sign-in-failed", [](const json::value& e) { return "sign-in failed: " + word(e, "why"); }},
        {"sender", [](const json::value& e) { return "from " + sender_words(word(e, "address")); }},
        {"refused", refused_sentence},
        {"message", [](const json::value& e) { return "message of " + human_bytes(number_at(e, "size")) + " received"; }},
        {"report", [](const json::value&) { return std::string("a report written by this server"); }},
        {"recipient", [](const json::value& e) {
             const std::string hops = through(at_path(e, "via"));
             return "for " + word(e, "address") + (hops.empty() ? "" : ", " + hops);
         }},
        {"mailbox", [](const json::value& e) { return "to " + word(e, "folder") + " of " + word(e, "mailbox"); }},
        {"queue", [](const json::value& e) {
             return "to the queue for " + word(e, "to") + (is_on(e, "held") ? ", held" : "");
         }},
    };
    return table;
}

} // namespace

std::string recipient_sentence(const json::value& recipient, Time now) {
    const std::string outcome = word(recipient, "outcome");
    if (outcome == "delivered")
        return "delivered to " + word(recipient, "folder");
    if (const json::value* way = at_path(recipient, "way"))
        return way_sentence(*way);
    if (outcome == "relayed")
        return "handed over: " + said(recipient);
    if (outcome == "queued" || outcome == "deferred")
        return waiting_sentence(recipient, now);
    if (outcome == "failed")
        return failed_sentence(recipient);
    if (outcome == "held") {
        const std::string why = said(recipient);
        return "held" + by_actor(recipient) + (why.empty() ? "" : ": " + why) + "; release it with: mailctl queue release " +
               clean(raw_text(at_path(recipient, "queue")));
    }
    if (outcome == "dropped")
        return "removed from the queue" + by_actor(recipient);
    if (outcome == "refused")
        return "refused: " + word(recipient, "text");
    if (outcome == "unknown")
        return "has left the queue, how is not known: the server stopped right then";
    return outcome;
}

std::string event_sentence(const json::value& event, Time now) {
    const std::string what = word(event, "what");
    if (!event.is_object())
        return what;
    if (const auto known = sentences().find(what); known != sentences().end())
        return known->second(event);
    if (at_path(event, "recipients") != nullptr) {
        const std::string actor = word(event, "actor");
        return attempt_sentence(event, actor.empty() ? what : what + " by " + actor, now);
    }
    const std::string rest = members(event);
    return what + (rest.empty() ? "" : ": " + rest);
}

std::string story_heading(const json::value& story, const Terminal& terminal, Time now) {
    const std::string id = word(story, "id");
    std::string about = "from " + sender_words(word(story, "sender"));
    if (const std::string subject = word(story, "subject"); !subject.empty())
        about += ", \"" + subject + "\"";
    about += ", " + word(story, "at");
    if (const std::string when = moment(story, "at", now); !when.empty())
        about += " (" + when + ")";
    if (const std::string peer = word(story, "peer"); !peer.empty())
        about += ", from " + peer;
    std::string out = toned(id, Tone::title, terminal.colour) + " " + fitted(about, terminal, id.size() + 1, 4) + "\n";
    const json::value* list = at_path(story, "recipients");
    if (list == nullptr || !list->is_array())
        return out;
    if (list->get_array().empty())
        if (const std::string reply = refusal_of(story); !reply.empty())
            out += "  " + fitted("refused: " + reply + ".", terminal, 2, 4) + "\n";
    for (const json::value& recipient : list->get_array()) {
        const std::string address = word(recipient, "address"), to = word(recipient, "to");
        std::string line = address;
        if (!to.empty() && to != address) {
            const std::string hops = through(at_path(recipient, "via"));
            line += (hops.empty() ? "" : ", " + hops + ",") + " for " + to;
        }
        line += ": " + recipient_sentence(recipient, now) + ".";
        out += "  " + fitted(line, terminal, 2, 4) + "\n";
    }
    return out;
}

std::string story_events_short(const json::value& story, const Terminal& terminal) {
    const json::value* events = at_path(story, "events");
    std::string line;
    if (events != nullptr && events->is_array())
        for (const json::value& event : events->get_array()) {
            const std::string id = word(event, "event");
            line += (line.empty() ? "" : " \xC2\xB7 ") + word(event, "what") + " " + short_id(id);
        }
    return toned("  " + fitted("events: " + line, terminal, 2, 4), Tone::faint, terminal.colour) + "\n";
}

std::string story_events(const json::value& story, const Terminal& terminal, Time now) {
    const json::value* events = at_path(story, "events");
    std::string out;
    if (events == nullptr || !events->is_array())
        return out;
    const std::string day = word(story, "at").substr(0, day_size);
    for (const json::value& event : events->get_array())
        out += event_line(event, day, terminal, now);
    if (const auto left_out = number_at(story, "left_out"); left_out != 0)
        out += "  " + std::to_string(left_out) + " more events did not fit\n";
    return out;
}

} // namespace mail::mailctl
