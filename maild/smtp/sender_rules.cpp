// What a session asks before it takes a recipient: whether a group takes mail from this sender, whether they may send
// (further), whether there is room.
#include "maild/service/snapshot.hpp"
#include "maild/smtp/intake.hpp"
#include "maild/smtp/session.hpp"

namespace mail::smtp {

std::optional<Reply> Session::refuse_writer(const service::Resolution& resolution) const {
    const Path& path = transaction_.mail().path;
    if (resolution.only_reports && !path.is_null())
        return Reply(550, "5.7.1", "Only delivery reports go to this address");
    if (resolution.rules.empty())
        return std::nullopt;
    service::Writer writer{mailbox_, standing_.relays, std::nullopt};
    if (!path.is_null())
        writer.sender = path.address;
    if (services_.directory.admits(resolution, writer))
        return std::nullopt;
    return Reply(550, "5.7.1", "You may not write to this group");
}

Task<std::optional<Reply>> Session::refuse_full(service::ResolutionPtr resolution) {
    std::optional<Reply> refusal;
    const auto size = transaction_.mail().parameters.size.value_or(0);
    const auto room = co_await services_.delivery.check_quota(std::move(resolution), size);
    if (!room)
        refusal = reply_for(room.error());
    co_return refusal;
}

Task<std::optional<Reply>> Session::refuse_sending(const Address* next) {
    std::optional<Reply> refusal;
    if (!mailbox_ || services_.sending == nullptr)
        co_return refusal;
    service::SendingRequest request{mailbox_, {}, transaction_.recipients().size()};
    if (next != nullptr)
        request.recipients.push_back(*next);
    const auto allowed = co_await services_.sending->check(std::move(request));
    if (!allowed)
        refusal = sending_refusal(allowed.error());
    co_return refusal;
}

service::SendingRequest Session::sending_request() const {
    service::SendingRequest request{mailbox_, {}, 0};
    for (const auto& recipient : transaction_.recipients())
        request.recipients.push_back(recipient.address);
    return request;
}

Task<bool> Session::count_sending(service::Incoming& incoming) {
    if (!mailbox_ || services_.sending == nullptr)
        co_return true;
    auto request = sending_request();
    auto taken = co_await services_.sending->take(std::move(request));
    if (!taken) {
        const Reply reply = sending_refusal(taken.error());
        refuse_message(reply);
        answer_message(reply);
        reset();
        co_return false;
    }
    taken_ = std::move(*taken);
    if (!taken_.changes.empty())
        incoming.attributes.push_back({mailbox_->account, std::move(taken_.changes)});
    co_return true;
}

void Session::give_back_sending() {
    if (mailbox_ && services_.sending != nullptr)
        services_.sending->give_back(sending_request(), taken_);
}

} // namespace mail::smtp
