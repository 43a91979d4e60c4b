#include "mailctl/transfer/imap_pull.hpp"

#include "common/async/runtime.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "common/mail/date.hpp"
#include "common/mail/utf7.hpp"
#include "common/net/connect.hpp"
#include "mailctl/commands/common.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <netdb.h>
#include <sys/socket.h>

namespace mail::mailctl {
namespace {

namespace json = boost::json;
constexpr std::size_t batch_messages = 200;
constexpr std::uint64_t batch_bytes = 3U << 20U; ///< less than Upload sends at once, so that one batch is one request
constexpr std::size_t most_folders = 10000;
constexpr std::size_t most_messages = 10000000;

/// Addresses of a host name, from the system; a command line may wait for that.
Result<std::vector<std::string>> resolve(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int why = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); why != 0)
        return fail(ErrorCode::unavailable, host + ": " + ::gai_strerror(why));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
    std::vector<std::string> out;
    for (const auto* each = found; each != nullptr; each = each->ai_next) {
        char text[NI_MAXHOST] = {};
        if (::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
            out.emplace_back(text);
    }
    return out;
}

std::string astring(std::string_view text) {
    // Names on the wire are modified UTF-7, so they can be quoted; one that cannot was refused when it was listed.
    return imap_client::quoted(text).value_or("\"\"");
}

std::optional<std::string> code_of(const std::vector<imap_client::Response>& responses, std::string_view word) {
    for (const auto& response : responses)
        if (const auto argument = response.code_argument(word))
            return std::string(*argument);
    return std::nullopt;
}

std::uint32_t small_number(const std::optional<std::string>& text) {
    return text ? text::number<std::uint32_t>(*text).value_or(0) : 0;
}

std::vector<std::string> flags_of(const imap_client::Value* value) {
    std::vector<std::string> out;
    if (value != nullptr && value->is_list())
        for (const auto& flag : value->items)
            if (!flag.text.empty() && flag.text.size() <= static_cast<std::size_t>(limit::keyword_bytes) &&
                out.size() < static_cast<std::size_t>(limit::keywords_per_item) && !text::iequals(flag.text, "\\Recent"))
                out.push_back(flag.text);
    return out;
}

std::string uid_list(const std::vector<std::uint32_t>& uids) {
    std::string out;
    for (std::size_t i = 0; i < uids.size();) {
        std::size_t last = i;
        while (last + 1 < uids.size() && uids[last + 1] == uids[last] + 1)
            ++last;
        out += (out.empty() ? "" : ",") + std::to_string(uids[i]) + (last > i ? ":" + std::to_string(uids[last]) : "");
        i = last + 1;
    }
    return out;
}

} // namespace

std::string ImapPull::flags_digest(const std::vector<Envelope>& messages) {
    std::string all;
    for (const auto& message : messages)
        all += std::to_string(message.uid) + " " + text::join(message.flags, " ") + "\n";
    return text::hex(crypto::sha256(all));
}

Result<void> ImapPull::run() {
    Result<void> outcome;
    async::run_until_done(pull(outcome));
    progress_.finish();
    return outcome;
}

Task<void> ImapPull::pull(Result<void>& outcome) {
    outcome = co_await pull_all();
    if (server_ && outcome)
        co_await server_->logout();
    server_.reset();
}

Task<Result<void>> ImapPull::pull_all() {
    MAIL_CO_TRY(const auto summary, session_.get(mail_path(mailbox_)));
    for (const auto& item : at_path(summary, "items")->as_array()) {
        local_validities_[text_at(item, "name")] = static_cast<std::uint32_t>(number_at(item, "uid_validity"));
        if (const auto use = text_at(item, "special_use"); !use.empty())
            special_["\\" + use] = text_at(item, "name");
    }
    MAIL_CO_TRY(const auto addresses, resolve(options_.host));
    std::unique_ptr<net::Stream> stream;
    Error why{ErrorCode::unavailable, "the host has no address", ""};
    for (const auto& address : addresses) {
        auto connected = co_await net::connect_tcp(address, options_.port, options_.open.timeout);
        if (connected) {
            stream = std::move(*connected);
            break;
        }
        why = connected.error();
    }
    if (!stream)
        co_return fail(ErrorCode::unavailable, options_.host + ": " + why.message);
    server_ = std::make_unique<imap_client::Session>(std::move(stream), options_.open.timeout);
    MAIL_CO_DO(co_await server_->open(options_.open));
    MAIL_CO_TRY(auto folders, co_await list());
    for (auto& folder : folders) {
        MAIL_CO_DO(co_await pull_folder(std::move(folder)));
    }
    co_return Result<void>{};
}

/// "INBOX." where everything personal is below the inbox (RFC 2342 §5).
Task<Result<std::string>> ImapPull::personal_prefix() {
    if (!server_->has("NAMESPACE"))
        co_return std::string{};
    MAIL_CO_TRY(const auto responses, co_await server_->command("NAMESPACE"));
    for (const auto& response : responses)
        if (response.is("NAMESPACE") && !response.values.empty() && !response.values[0].items.empty() &&
            !response.values[0].items[0].items.empty())
            co_return response.values[0].items[0].items[0].text;
    co_return std::string{};
}

std::string ImapPull::local_name(const std::string& name, const std::vector<std::string>& attributes) const {
    for (const auto& attribute : attributes)
        if (const auto at = special_.find(text::to_lower(attribute)); at != special_.end())
            return at->second; // their "Gesendet" is our Sent (RFC 6154)
    return name;
}

Task<Result<std::vector<ImapPull::Folder>>> ImapPull::list() {
    MAIL_CO_TRY(const auto prefix, co_await personal_prefix());
    const std::string how = server_->has("SPECIAL-USE") && server_->has("LIST-EXTENDED") ? " RETURN (SPECIAL-USE)" : "";
    MAIL_CO_TRY(const auto responses, co_await server_->command("LIST \"\" \"*\"" + how));
    std::vector<Folder> out;
    for (const auto& response : responses) {
        if (!response.is("LIST") || response.values.size() < 3)
            continue;
        std::vector<std::string> attributes;
        bool selectable = true;
        for (const auto& attribute : response.values[0].items) {
            attributes.push_back(attribute.text);
            if (text::iequals(attribute.text, "\\Noselect") || text::iequals(attribute.text, "\\NonExistent"))
                selectable = false;
        }
        if (!selectable)
            continue;
        const auto& delimiter = response.values[1].text;
        const auto& listed = response.values[2].text;
        const auto name = local_folder_name(listed, delimiter.empty() || response.values[1].kind == imap_client::Value::Kind::nil ? '\0' : delimiter[0], prefix, false);
        if (!name || !imap_client::quoted(listed)) {
            skipped_.push_back({text::escape(listed, 200), "no folder can be called that"});
            continue;
        }
        if (!options_.folders.empty() && std::find(options_.folders.begin(), options_.folders.end(), *name) == options_.folders.end())
            continue;
        if (out.size() >= most_folders)
            co_return fail(ErrorCode::too_large, "the server lists too many folders");
        out.push_back({listed, local_name(*name, attributes)});
    }
    for (const auto& wanted : options_.folders)
        if (std::none_of(responses.begin(), responses.end(), [&](const auto& r) {
                return r.is("LIST") && r.values.size() >= 3 &&
                       local_folder_name(r.values[2].text, r.values[1].text.empty() ? '\0' : r.values[1].text[0], prefix, false) == wanted;
            }))
            co_return fail(ErrorCode::not_found, "the server has no folder " + clean(wanted));
    co_return out;
}

Task<Result<void>> ImapPull::pull_folder(Folder folder) {
    const bool condstore = server_->has("CONDSTORE") || server_->has("QRESYNC");
    auto selected = co_await server_->command("EXAMINE " + astring(folder.listed) + (condstore ? " (CONDSTORE)" : ""));
    if (!selected) {
        if (selected.error().code != ErrorCode::denied)
            co_return fail(selected.error());
        skipped_.push_back({folder.listed, selected.error().message}); // a folder without the right to read it
        co_return Result<void>{};
    }
    for (const auto& response : *selected)
        if (response.is("EXISTS"))
            folder.messages = response.number.value_or(0);
    MAIL_CO_TRY(auto state, load(folder.listed));
    const auto validity = small_number(code_of(*selected, "UIDVALIDITY"));
    const auto local = local_validities_.find(folder.name);
    if (state.uid_validity != validity || local == local_validities_.end() || state.local_validity != local->second)
        state = PullState{}; // RFC 9051 §2.3.1.1: what was known of the UIDs there or here is void
    state.uid_validity = validity;
    const auto modseq_text = code_of(*selected, "HIGHESTMODSEQ");
    const auto modseq = condstore && modseq_text ? text::number(*modseq_text).value_or(0) : 0;
    total_ += folder.messages;
    MAIL_CO_DO(co_await update_flags(folder, state, modseq));
    MAIL_CO_DO(co_await fetch_new(folder, state));
    if (modseq == 0) {
        MAIL_CO_DO(co_await note_flags(state));
    }
    state.modseq = modseq;
    co_return save(folder.listed, state);
}

Task<Result<std::vector<ImapPull::Envelope>>> ImapPull::look_at(std::string uids, std::uint64_t changed_since) {
    const std::string since = changed_since > 0 ? " (CHANGEDSINCE " + std::to_string(changed_since) + ")" : "";
    MAIL_CO_DO(co_await server_->send("UID FETCH " + uids + " (UID FLAGS INTERNALDATE RFC822.SIZE)" + since));
    std::vector<Envelope> out;
    for (;;) {
        MAIL_CO_TRY(const auto response, co_await server_->next());
        if (server_->is_end(response)) {
            MAIL_CO_DO(imap_client::Session::outcome(response));
            break;
        }
        const auto* uid = response.fetched("UID");
        const auto* flags = response.fetched("FLAGS");
        if (uid == nullptr || flags == nullptr)
            continue;
        Envelope message;
        message.uid = static_cast<std::uint32_t>(std::min<std::uint64_t>(uid->number().value_or(0), UINT32_MAX));
        message.flags = flags_of(flags);
        const auto *size = response.fetched("RFC822.SIZE"), *date = response.fetched("INTERNALDATE");
        message.size = size != nullptr ? size->number().value_or(0) : 0;
        if (date != nullptr)
            if (const auto parsed = parse_internal_date(date->text))
                message.date = parsed->time;
        if (message.uid == 0)
            continue;
        if (out.size() >= most_messages)
            co_return fail(ErrorCode::too_large, "the server's folder does not come to an end");
        out.push_back(std::move(message));
    }
    // One message may be told twice, when its flags change meanwhile: the last word counts.
    std::stable_sort(out.begin(), out.end(), [](const Envelope& a, const Envelope& b) { return a.uid < b.uid; });
    std::vector<Envelope> once;
    for (auto& message : out) {
        if (!once.empty() && once.back().uid == message.uid)
            once.back() = std::move(message);
        else
            once.push_back(std::move(message));
    }
    co_return once;
}

Task<Result<void>> ImapPull::fetch_new(const Folder& folder, PullState& state) {
    if (folder.messages == 0 || state.last == UINT32_MAX)
        co_return Result<void>{};
    MAIL_CO_TRY(auto messages, co_await look_at(std::to_string(state.last + 1) + ":*", 0));
    // "n:*" names the last message even when it is before n (RFC 9051 §6.4.8).
    std::erase_if(messages, [&](const Envelope& message) { return message.uid <= state.last; });
    std::vector<Envelope> batch;
    std::uint64_t bytes = 0;
    for (auto& message : messages) {
        if (message.size > static_cast<std::uint64_t>(limit::message_bytes)) {
            skipped_.push_back({folder.listed + " UID " + std::to_string(message.uid), "larger than this server takes"});
            continue;
        }
        if (!batch.empty() && (batch.size() >= batch_messages || bytes + message.size > batch_bytes)) {
            MAIL_CO_DO(co_await fetch_batch(folder, std::move(batch), state));
            batch.clear();
            bytes = 0;
        }
        bytes += message.size;
        batch.push_back(std::move(message));
    }
    if (!batch.empty()) {
        MAIL_CO_DO(co_await fetch_batch(folder, std::move(batch), state));
    }
    if (!messages.empty())
        state.last = std::max(state.last, messages.back().uid);
    co_return Result<void>{};
}

Task<Result<void>> ImapPull::fetch_batch(const Folder& folder, std::vector<Envelope> batch, PullState& state) {
    std::vector<std::uint32_t> uids;
    std::map<std::uint32_t, const Envelope*> wanted;
    for (const auto& message : batch) {
        uids.push_back(message.uid);
        wanted[message.uid] = &message;
    }
    MAIL_CO_DO(co_await server_->send("UID FETCH " + uid_list(uids) + " (UID BODY.PEEK[])"));
    std::map<std::uint32_t, std::string> bodies;
    for (;;) {
        MAIL_CO_TRY(auto response, co_await server_->next());
        if (server_->is_end(response)) {
            MAIL_CO_DO(imap_client::Session::outcome(response));
            break;
        }
        const auto* uid = response.fetched("UID");
        const auto* body = response.fetched("BODY[]");
        const auto number = uid != nullptr ? uid->number().value_or(0) : 0;
        if (body != nullptr && number <= UINT32_MAX && wanted.contains(static_cast<std::uint32_t>(number)))
            bodies[static_cast<std::uint32_t>(number)] = body->text;
    }
    std::vector<std::uint32_t> sent;
    for (auto& [uid, bytes] : bodies) {
        const auto& message = *wanted[uid];
        if (bytes.empty() || bytes.size() > static_cast<std::size_t>(limit::message_bytes)) {
            skipped_.push_back({folder.listed + " UID " + std::to_string(uid), bytes.empty() ? "it is empty" : "larger than this server takes"});
            continue;
        }
        MailItem item{folder.name, message.flags, message.date, std::move(bytes), {}};
        MAIL_CO_DO(upload_.put(std::move(item)));
        sent.push_back(uid);
        ++done_;
        progress_.show(done_, total_, done_, folder.name);
    }
    MAIL_CO_DO(upload_.flush());
    if (session_.globals.dry_run)
        co_return Result<void>{};
    if (upload_.uids().size() != sent.size())
        co_return fail(ErrorCode::internal, "the server's answer does not match what was sent");
    for (std::size_t i = 0; i < sent.size(); ++i)
        state.add(sent[i], upload_.uids()[i]);
    if (!sent.empty())
        state.local_validity = upload_.uid_validity();
    state.last = uids.back();
    co_return save(folder.listed, state);
}

Result<void> ImapPull::send_flags(const Folder& folder, const std::vector<Envelope>& changed, const PullState& state) {
    json::array changes;
    for (const auto& message : changed) {
        const auto uid = state.local(message.uid);
        if (uid == 0)
            continue;
        json::array flags;
        for (const auto& flag : message.flags)
            flags.emplace_back(flag);
        changes.push_back(json::object{{"uid", uid}, {"flags", std::move(flags)}});
    }
    flags_changed_ += changes.size();
    if (changes.empty() || session_.globals.dry_run)
        return {};
    MAIL_TRY(const auto answer, session_.post(mail_path(mailbox_, "/flags"), json::value(json::object{{"folder", folder.name}, {"changes", std::move(changes)}})));
    static_cast<void>(answer);
    return {};
}

Task<Result<void>> ImapPull::note_flags(PullState& state) {
    if (state.last == 0)
        co_return Result<void>{};
    MAIL_CO_TRY(const auto messages, co_await look_at("1:" + std::to_string(state.last), 0));
    state.flags_digest = flags_digest(messages);
    co_return Result<void>{};
}

/// Flags of messages that are here already. Where the server has CONDSTORE it tells what changed (RFC 7162 §3.1.4); where it
/// has not, all flags are looked at, and written here when any of them is not as it was last time.
Task<Result<void>> ImapPull::update_flags(const Folder& folder, PullState& state, std::uint64_t modseq) {
    if (state.last == 0 || folder.messages == 0 || (modseq != 0 && modseq == state.modseq))
        co_return Result<void>{};
    MAIL_CO_TRY(const auto messages, co_await look_at("1:" + std::to_string(state.last), modseq != 0 ? state.modseq : 0));
    if (modseq == 0 && flags_digest(messages) == state.flags_digest)
        co_return Result<void>{};
    co_return send_flags(folder, messages, state);
}

Result<PullState> ImapPull::load(const std::string& folder) {
    const std::string name = options_.open.user + "@" + options_.host + "/" + folder;
    MAIL_TRY(const auto answer, session_.get(mail_path(mailbox_, "/state" + query_text({{"name", text::hex(crypto::sha256(name))}}))));
    return PullState::parse(text_at(answer, "value"));
}

Result<void> ImapPull::save(const std::string& folder, const PullState& state) {
    if (session_.globals.dry_run)
        return {};
    const std::string name = options_.open.user + "@" + options_.host + "/" + folder;
    api::Call call;
    call.method = "PUT";
    call.path = mail_path(mailbox_, "/state");
    call.body = json::serialize(json::object{{"name", text::hex(crypto::sha256(name))}, {"value", state.text()}});
    MAIL_TRY(const auto answer, session_.ask(std::move(call)));
    static_cast<void>(answer);
    return {};
}

} // namespace mail::mailctl
