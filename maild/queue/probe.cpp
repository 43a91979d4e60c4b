#include "maild/queue/probe.hpp"

#include "common/mail/address.hpp"
#include "maild/queue/link.hpp"
#include "maild/queue/way.hpp"

namespace mail::queue {
namespace {

/// Which way it goes, and what stands in it: the mail would wait or come back, the hosts are asked all the same.
Stage route_stage(const OutboundConfig& config, const store::QueueItem& item, const Route& route) {
    Stage stage;
    stage.name = "route";
    stage.words = (route.name.empty() ? std::string("the default way") : "route " + route.name) + ", TLS " + std::string(name_of(route.tls));
    if (const auto wait = config.wait_of(item, route)) {
        stage.good = false;
        stage.words += "; mail would wait: " + wait->reason;
    }
    if (const auto suppressed = config.suppression(item)) {
        stage.good = false;
        stage.words += "; mail would be returned: " + *suppressed;
    }
    return stage;
}

Task<void> ask_envelope(Link& link, std::string sender, std::string recipient, StageWatcher& watcher) {
    smtp_client::Message message;
    message.sender = std::move(sender);
    message.recipients.push_back({recipient, {}, 0});
    auto asked = co_await link.session->probe(message);
    const smtp_client::Outcome& outcome = asked.outcomes.front();
    Stage stage;
    stage.name = "envelope";
    stage.good = outcome.is_delivered();
    stage.host = link.remote;
    stage.words = outcome.text;
    stage.dialogue = link.session->transcript();
    co_await watcher.reached(std::move(stage));
    co_await link.session->quit();
    Stage end;
    end.name = "end";
    end.good = outcome.is_delivered();
    end.host = link.remote;
    end.words = outcome.is_delivered()   ? "mail to " + recipient + " would be taken; nothing was sent"
                : outcome.is_permanent() ? "mail to " + recipient + " would be returned"
                                         : "mail to " + recipient + " would wait and be tried again";
    co_await watcher.reached(std::move(end));
}

} // namespace

Task<Result<void>> probe_delivery(std::shared_ptr<Outbound> outbound, std::shared_ptr<const OutboundConfig> config,
                                  std::string sender, std::string recipient, StageWatcher& watcher) {
    MAIL_CO_TRY(const store::QueueItem item, item_between(sender, recipient));
    const auto route = config->route_for(item);
    Stage first = route_stage(*config, item, *route);
    co_await watcher.reached(std::move(first));
    const Destination destination("doctor", item.domain, 1); // none of the board's: no seat is taken
    auto link = co_await open_link(*outbound, *config, *route, destination, &watcher);
    if (link.session) {
        co_await ask_envelope(link, std::move(sender), item.recipient, watcher);
        co_return Result<void>{};
    }
    Stage end;
    end.name = "end";
    end.good = false;
    end.host = link.remote;
    end.words = link.outcome.text + (link.outcome.is_permanent() ? "; mail would be returned" : "; mail would wait and be tried again");
    co_await watcher.reached(std::move(end));
    co_return Result<void>{};
}

} // namespace mail::queue
