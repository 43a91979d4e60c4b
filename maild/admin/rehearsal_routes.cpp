// What would happen: a whole transaction without effects (simulate), and a delivery up to its envelope (doctor deliver).
#include "common/base/text.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/reply.hpp"
#include "maild/admin/story_view.hpp"
#include "maild/queue/stages.hpp"
#include "maild/queue/way.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace json = boost::json;
namespace {

constexpr std::size_t most_recipients = 100;
constexpr std::size_t most_ways = 20; ///< recipients whose way out is looked up

std::string text_at(const json::object& body, std::string_view name) {
    const json::value* value = body.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// An address as a command may carry it: nothing that would end the command.
Result<void> check_address(const std::string& address) {
    for (const char c : address)
        if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>')
            return fail(ErrorCode::invalid, "the address " + text::escape(address, 320) + " is malformed");
    return {};
}

Result<service::Play> play_of(const json::object& body) {
    service::Play play;
    play.sender = text_at(body, "from");
    if (play.sender == "<>")
        play.sender.clear();
    play.message = text_at(body, "message");
    play.listener = text_at(body, "listener");
    play.client = text_at(body, "client");
    play.sign_in = text_at(body, "sign_in");
    if (const json::value* to = body.if_contains("to"); to != nullptr && to->is_array())
        for (const json::value& each : to->get_array())
            play.recipients.push_back(each.is_string() ? std::string(each.get_string()) : std::string());
    if (play.recipients.empty() || play.recipients.size() > most_recipients)
        return fail(ErrorCode::invalid, "a simulation needs one to " + std::to_string(most_recipients) + " recipients");
    MAIL_DO(check_address(play.sender));
    for (const std::string& recipient : play.recipients) {
        MAIL_DO(check_address(recipient));
    }
    return play;
}

json::object way_json(const queue::Way& way) {
    json::object out;
    out["route"] = way.route.empty() ? json::value(nullptr) : json::value(way.route);
    out["tls"] = way.tls;
    for (const auto& [name, text] : {std::pair("held", &way.held), std::pair("suppressed", &way.suppressed), std::pair("problem", &way.problem)})
        if (!text->empty())
            out[name] = *text;
    json::array hosts;
    for (const auto& host : way.hosts)
        hosts.emplace_back(host.name + "[" + host.address + "]:" + std::to_string(host.port));
    out["hosts"] = std::move(hosts);
    return out;
}

/// One NDJSON line for each stage, sent as it is reached.
class StageLines final : public net::HttpBodySource, private queue::StageWatcher {
  public:
    using Probe = std::function<Task<Result<void>>(std::string, std::string, queue::StageWatcher&)>;
    StageLines(Probe probe, std::string sender, std::string recipient, const Clock& clock)
        : probe_(std::move(probe)), sender_(std::move(sender)), recipient_(std::move(recipient)), clock_(clock), since_(clock.steady()) {}

    Task<Result<void>> run(net::HttpBodyWriter& out) override {
        out_ = &out;
        auto done = co_await probe_(sender_, recipient_, *this);
        if (!done) {
            queue::Stage end;
            end.name = "end";
            end.good = false;
            end.words = done.error().message;
            co_await reached(std::move(end));
        }
        co_return written_;
    }

  private:
    Task<void> reached(queue::Stage stage) override {
        const SteadyTime now = clock_.steady();
        json::object line;
        line["stage"] = stage.name;
        line["good"] = stage.good;
        line["host"] = stage.host.empty() ? json::value(nullptr) : json::value(stage.host);
        line["text"] = stage.words;
        line["ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_).count();
        since_ = now;
        json::array dialogue;
        for (const std::string_view said : text::split(stage.dialogue, '\n'))
            if (!said.empty())
                dialogue.emplace_back(said);
        line["dialogue"] = std::move(dialogue);
        const std::string text = json::serialize(line) + "\n";
        if (!written_)
            co_return; // nobody listens any more
        auto written = co_await out_->write(text);
        written_ = std::move(written);
    }

    Probe probe_;
    std::string sender_;
    std::string recipient_;
    const Clock& clock_;
    SteadyTime since_;
    net::HttpBodyWriter* out_ = nullptr;
    Result<void> written_;
};

} // namespace

Task<net::HttpResponse> Api::simulate(const net::HttpRequest& request) {
    auto body = read_body(request, {"from", "to", "message", "listener", "client", "sign_in"});
    if (!body)
        co_return problem_reply(body.error());
    auto play = play_of(*body);
    if (!play)
        co_return problem_reply(play.error());
    if (!services_.play)
        co_return problem_reply(Error{ErrorCode::unavailable, "this server takes no mail", ""});
    const auto played = co_await services_.play(std::move(*play));
    if (!played)
        co_return problem_reply(played.error());
    json::object out = told_story(played->story);
    std::size_t looked_up = 0;
    for (json::value& each : out["recipients"].as_array()) {
        json::object& recipient = each.as_object();
        if (recipient["outcome"] != "queued" || !services_.find_way || ++looked_up > most_ways)
            continue;
        std::string sender = played->story.sender;
        std::string to(recipient["to"].as_string());
        const auto way = co_await services_.find_way(std::move(sender), std::move(to));
        if (way)
            recipient["way"] = way_json(*way);
    }
    out["simulated"] = true;
    json::array dialogue;
    for (const std::string_view said : text::split(played->dialogue, '\n'))
        if (!said.empty())
            dialogue.emplace_back(said);
    out["dialogue"] = std::move(dialogue);
    co_return json_reply(out);
}

net::HttpResponse Api::doctor_deliver(const net::HttpRequest& request) {
    if (const auto known = check_query(request, {"recipient", "sender"}); !known)
        return problem_reply(known.error());
    std::string recipient(request.parameter("recipient")), sender(request.parameter("sender"));
    for (const std::string& address : {recipient, sender})
        if (const auto good = check_address(address); !good)
            return problem_reply(good.error());
    if (recipient.find('@') == recipient.npos)
        return problem_reply(Error{ErrorCode::invalid, "the recipient " + text::escape(recipient, 320) + " is no address", "for example ann@example.org"});
    if (!services_.probe)
        return problem_reply(Error{ErrorCode::unavailable, "this server delivers nothing", ""});
    net::HttpResponse out;
    out.headers.set("Content-Type", "application/x-ndjson");
    out.source = std::make_unique<StageLines>(services_.probe, std::move(sender), std::move(recipient), services_.clock);
    return out;
}

} // namespace mail::admin
