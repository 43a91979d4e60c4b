#include "maild/pickup/pickup.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "common/mail/header.hpp"
#include "common/mail/message.hpp"
#include "common/mail/received.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/smtp/header_edit.hpp"

#include <algorithm>

namespace mail::pickup {
namespace {

constexpr std::string_view mark_prefix = "pickup/";
constexpr auto period = std::chrono::seconds(1); ///< also the time in which a whole file does not change
constexpr auto pause = std::chrono::seconds(10); ///< of a folder after something that may go better later
constexpr std::size_t most_files = 100;          ///< of one turn
constexpr std::uint64_t most_bytes = 64ULL << 20U;

bool may_pass(ErrorCode code) {
    return code == ErrorCode::temporary || code == ErrorCode::no_space || code == ErrorCode::internal ||
           code == ErrorCode::unavailable || code == ErrorCode::closed || code == ErrorCode::timeout;
}

/// Names one file in one folder; a file of the same name that comes later has another.
std::string mark_of(const std::string& directory, const FoundFile& file) {
    const std::string text = directory + "/" + file.name + "\n" + std::to_string(file.mark.inode) + " " +
                             std::to_string(file.mark.size) + " " + std::to_string(file.mark.changed);
    return std::string(mark_prefix) + text::hex(crypto::sha256(text)).substr(0, 32);
}

} // namespace

/// A file as a message, and whom it cannot go to.
struct Pickup::Prepared {
    service::Incoming incoming;
    std::string bytes;
    std::string refused; ///< a line for each recipient without hope
};

void Pickup::stop() {
    stopping_ = true;
    wake_.fire();
}

Task<void> Pickup::run() {
    bool ready = false;
    while (!stopping_) {
        if (!ready)
            ready = co_await recall();
        follow_configuration();
        bool more = false;
        const auto states = states_;
        for (const auto& [name, state] : states) {
            if (!ready || stopping_)
                break;
            const bool busy = co_await turn(name, state);
            more = more || busy;
        }
        if (more)
            continue;
        const bool woken = co_await wake_.wait_for(states.empty() ? std::chrono::hours(1) : Duration(period));
        static_cast<void>(woken);
    }
}

/// Marks of files that were accepted before a crash. False: the store does not answer now.
Task<bool> Pickup::recall() {
    const auto all = co_await services_.store.mail().attributes(0, 0);
    if (!all)
        co_return false;
    for (const auto& attribute : *all)
        if (attribute.name.starts_with(mark_prefix))
            accepted_.emplace(attribute.name, attribute.value);
    co_return true;
}

void Pickup::follow_configuration() {
    const auto config = services_.config.current();
    std::map<std::string, StatePtr> wanted;
    for (const auto& [name, spec] : config->pickups) {
        if (!spec.enabled)
            continue;
        const std::string badmail = spec.badmail.empty() ? data_dir_ + "/badmail" : spec.badmail;
        const auto known = states_.find(name);
        const bool same = known != states_.end() && known->second->folder.directory() == spec.directory &&
                          known->second->folder.badmail() == badmail;
        wanted.emplace(name, same ? known->second : std::make_shared<State>(spec.directory, badmail));
    }
    states_ = std::move(wanted);
}

Task<bool> Pickup::turn(const std::string& name, StatePtr state) {
    if (services_.clock.steady() < state->pause_until)
        co_return false;
    const std::uint64_t largest = services_.config.current()->server.message_size;
    std::function<Result<std::vector<FoundFile>>()> look = [state, largest]() -> Result<std::vector<FoundFile>> {
        if (!state->prepared) {
            MAIL_DO(state->folder.prepare());
        }
        state->prepared = true;
        return state->folder.take_whole(most_files, most_bytes, largest);
    };
    auto files = co_await services_.pool.run<std::vector<FoundFile>>(std::move(look));
    if (!files) {
        state->prepared = false;
        state->pause_until = services_.clock.steady() + pause;
        if (!state->complained)
            log(Event::pickup_unavailable, {{"pickup", name}, {"reason", files.error().message}});
        state->complained = true;
        co_return false;
    }
    state->complained = false;
    const bool is_full = files->size() >= most_files;
    bool stuck = false;
    for (FoundFile& file : *files) {
        if (stopping_)
            break;
        const End end = co_await send(name, state, std::move(file));
        stuck = stuck || end == End::later;
    }
    if (stuck)
        state->pause_until = services_.clock.steady() + pause;
    co_await forget_marks();
    co_return is_full && !stuck;
}

Task<Pickup::End> Pickup::send(const std::string& name, StatePtr state, FoundFile file) {
    std::string mark = mark_of(state->folder.directory(), file);
    if (const auto known = accepted_.find(mark); known != accepted_.end()) {
        std::string reason = known->second;
        co_return co_await finish(std::move(state), std::move(file), std::move(reason), std::move(mark));
    }
    if (!file.problem.empty()) {
        std::string reason = file.problem;
        co_return co_await finish(std::move(state), std::move(file), std::move(reason), std::string());
    }
    auto prepared = prepare(file, name);
    if (!prepared && may_pass(prepared.error().code)) {
        log(Event::pickup_deferred, {{"pickup", name}, {"file", file.name}, {"reason", prepared.error().message}});
        co_return End::later;
    }
    if (!prepared) {
        std::string reason = prepared.error().message;
        co_return co_await finish(std::move(state), std::move(file), std::move(reason), std::string());
    }
    service::Incoming& incoming = prepared->incoming;
    incoming.attributes.push_back({0, {{mark, prepared->refused}}});
    const std::string id = incoming.id.text();
    const std::string sender = incoming.envelope.sender;
    const std::size_t recipients = incoming.recipients.size();
    auto filled = co_await fill(incoming, std::move(prepared->bytes));
    Result<service::DeliveryReceipt> receipt = fail(ErrorCode::temporary, "");
    if (filled)
        receipt = co_await services_.delivery.accept(std::move(incoming));
    else
        receipt = fail(filled.error());
    if (!receipt && may_pass(receipt.error().code)) {
        log(Event::pickup_deferred, {{"pickup", name}, {"file", file.name}, {"reason", receipt.error().message}});
        co_return End::later;
    }
    std::string reason = prepared->refused;
    if (!receipt)
        reason = receipt.error().message;
    else if (std::none_of(receipt->recipients.begin(), receipt->recipients.end(), [](const auto& end) { return end.has_value(); }))
        reason = receipt->recipients.front().error().message;
    else
        log(Event::pickup_accepted, {{"pickup", name}, {"file", file.name}, {"qid", id}, {"from", sender}, {"recipients", recipients}});
    accepted_.emplace(mark, reason);
    co_return co_await finish(std::move(state), std::move(file), std::move(reason), std::move(mark));
}

Result<Pickup::Prepared> Pickup::prepare(const FoundFile& file, const std::string& pickup) {
    MAIL_TRY(auto read, read_message(file.bytes));
    const auto config = services_.config.current();
    Prepared out;
    service::Incoming& incoming = out.incoming;
    incoming.id = Id::make(services_.clock.now());
    incoming.envelope.sender = read.sender ? read.sender->text() : std::string();
    incoming.peer = "pickup " + pickup + " [" + file.name + "]";
    const service::Writer writer{nullptr, true, read.sender};
    for (const Address& address : read.recipients) {
        auto resolution = services_.directory.resolve(address);
        if (resolution && !services_.directory.admits(**resolution, writer))
            resolution = fail(ErrorCode::denied, "this sender may not write to the group");
        if (!resolution && may_pass(resolution.error().code))
            return fail(resolution.error());
        if (resolution)
            incoming.recipients.push_back({address, std::move(*resolution), "", 0});
        else
            out.refused += (out.refused.empty() ? "" : "\n") + address.text() + ": " + resolution.error().message;
    }
    if (incoming.recipients.empty())
        return fail(ErrorCode::invalid, out.refused);
    smtp::HeaderRules rules;
    rules.submission = true;
    rules.sender = incoming.envelope.sender;
    rules.now = services_.clock.now();
    rules.unique = incoming.id.text();
    rules.hostname = config->server.hostname;
    const std::size_t header_end = header_size(read.message);
    const auto edit = smtp::edit_header(std::string_view(read.message).substr(0, header_end), rules);
    if (edit.refusal)
        return fail(ErrorCode::invalid, edit.refusal->text());
    ReceivedInfo trace;
    trace.by = config->server.hostname;
    trace.protocol = "local";
    trace.id = incoming.id.text();
    trace.time = rules.now;
    out.bytes = received_field(trace) + edit.apply(std::string_view(read.message).substr(0, header_end)) +
                read.message.substr(header_end);
    incoming.envelope.message_id = edit.message_id;
    incoming.envelope.smtputf8 = edit.needs_utf8;
    incoming.envelope.eight_bit = body_is_8bit(out.bytes);
    return out;
}

Task<Result<void>> Pickup::fill(service::Incoming& incoming, std::string bytes) {
    if (bytes.size() < static_cast<std::size_t>(limit::stream_threshold)) {
        incoming.content.memory = std::make_shared<const std::string>(std::move(bytes));
        co_return Result<void>{};
    }
    MAIL_CO_TRY(const auto spool, services_.delivery.spool(bytes.size()));
    MAIL_CO_DO(co_await spool->append(bytes));
    MAIL_CO_TRY(incoming.content.spooled, spool->finish());
    co_return Result<void>{};
}

/// The file goes: to badmail when there is a reason. A mark is forgotten once that is done.
Task<Pickup::End> Pickup::finish(StatePtr state, FoundFile file, std::string reason, std::string mark) {
    const std::string name = file.name;
    std::function<Result<int>()> work = [state, file = std::move(file), reason]() -> Result<int> {
        if (reason.empty()) {
            MAIL_DO(state->folder.remove(file));
        } else {
            MAIL_DO(state->folder.give_up(file, reason));
        }
        return 0;
    };
    const auto done = co_await services_.pool.run<int>(std::move(work));
    if (!done) {
        log(Event::pickup_unavailable, {{"file", name}, {"reason", done.error().message}});
        co_return End::later;
    }
    if (!reason.empty())
        log(Event::pickup_failed, {{"file", name}, {"reason", reason}});
    if (!mark.empty())
        finished_.push_back(std::move(mark));
    co_return End::gone;
}

Task<void> Pickup::forget_marks() {
    if (finished_.empty())
        co_return;
    std::vector<store::AttributeChange> changes;
    for (const std::string& mark : finished_)
        changes.push_back({mark, std::nullopt});
    const auto done = co_await services_.store.mail().put_attributes(0, 0, std::move(changes));
    if (!done)
        co_return; // they stay, and their files do not come back
    for (const std::string& mark : finished_)
        accepted_.erase(mark);
    finished_.clear();
}

} // namespace mail::pickup
