#include "maild/service/directory.hpp"

#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "common/schema/json.hpp"
#include "common/schema/kinds/mailbox.hpp"
#include "maild/service/directory_state.hpp"
#include "maild/service/quota.hpp"
#include "maild/service/resolver.hpp"
#include "maild/store/store.hpp"

#include <algorithm>

namespace mail::service {
namespace {

constexpr std::string_view names[] = {"smtp", "submission", "lmtp", "imap", "pop3", "ews", "dav", "managesieve"};

bool holds(const std::vector<std::string>& list, std::string_view text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

std::vector<std::string> keys_of(const std::vector<std::string>& addresses) {
    std::vector<std::string> out;
    for (const auto& text : addresses)
        if (const auto address = parse_address(text))
            out.push_back(address_key(*address));
    return out;
}

} // namespace

std::string_view protocol_name(Protocol protocol) noexcept { return names[static_cast<std::size_t>(protocol)]; }

bool Mailbox::allows(Protocol protocol) const { return protocols.empty() || holds(protocols, protocol_name(protocol)); }

bool Mailbox::owns(std::string_view address_key) const { return holds(addresses, address_key); }

Directory::Directory(store::Store& store, Config& config) : state_(std::make_unique<State>(store, config)) {}
Directory::~Directory() = default;

Result<void> Directory::open() {
    constexpr std::string_view name = "srs_key";
    auto key = state_->store.meta().meta(name);
    if (!key && key.error().code == ErrorCode::not_found) {
        key = text::hex(crypto::random_bytes(crypto::sha256_bytes));
        MAIL_DO(state_->store.meta().put_meta(name, *key));
    }
    if (!key)
        return fail(key.error());
    state_->srs = Srs(std::move(*key));
    return {};
}

const Srs& Directory::srs() const noexcept { return state_->srs; }

void Directory::forget(const store::Changes& changes) {
    if (changes.resources.empty() && changes.revision == 0)
        return;
    ++state_->generation; // before the clearing, so that no reader puts an older row back
    state_->mailboxes.clear();
    state_->resolutions.clear();
    state_->memberships.clear();
}

namespace {

/// The domain's stages go with the domain's quota: they make no sense beside another one.
void set_quota(Mailbox& out, const schema::Mailbox& spec, const ConfigSnapshot& config) {
    out.quota = spec.quota;
    out.quota_warn = spec.quota_warn;
    out.quota_send = spec.quota_send;
    out.recoverable_size = spec.recoverable_size != 0 ? spec.recoverable_size : config.policy.recoverable_size;
    const auto domain = config.domains.find(out.key.substr(out.key.rfind('@') + 1));
    if (out.quota == 0 && domain != config.domains.end()) {
        out.quota = domain->second.default_quota;
        if (out.quota_warn == 0)
            out.quota_warn = domain->second.default_quota_warn;
        if (out.quota_send == 0)
            out.quota_send = domain->second.default_quota_send;
    }
    if (out.quota_warn == 0)
        out.quota_warn = usual_warning(out.quota);
}

Result<MailboxPtr> load_mailbox(store::Store& store, const ConfigSnapshot& config, const std::string& name) {
    MAIL_TRY(const auto row, store.resources().get_now("mailbox", name));
    MAIL_TRY(const auto spec, schema::decode<schema::Mailbox>(name, std::string_view(row.spec)));
    auto out = std::make_shared<Mailbox>();
    out->address = name;
    out->key = name;
    MAIL_TRY(out->account, store.resources().find_account_now(name));
    out->display_name = spec.display_name;
    if (spec.password.form == schema::SecretSetting::Form::hash)
        out->verifier = spec.password.text;
    out->enabled = spec.enabled;
    out->protocols = spec.protocols;
    out->forward = spec.forward;
    out->forward_only = spec.forward_only;
    out->addresses = keys_of(spec.aliases);
    out->addresses.insert(out->addresses.begin(), name);
    out->sending = spec.sending;
    out->send_as = keys_of(spec.send_as);
    out->send_on_behalf = keys_of(spec.send_on_behalf);
    set_quota(*out, spec, config);
    return MailboxPtr(std::move(out));
}

} // namespace

Result<MailboxPtr> Directory::find(std::string_view address_key) {
    const std::string key(address_key);
    if (auto known = state_->mailboxes.find(key))
        return *known;
    const std::uint64_t read_at = state_->generation;
    Result<MailboxPtr> found = fail(ErrorCode::not_found, "no such mailbox");
    const auto entry = state_->store.resources().find_address_now(key);
    if (entry && entry->kind == "mailbox")
        found = load_mailbox(state_->store, *state_->config.current(), entry->name);
    else if (!entry && entry.error().code != ErrorCode::not_found)
        return fail(entry.error());
    if (found || found.error().code == ErrorCode::not_found)
        state_->mailboxes.put(key, found, read_at, state_->generation);
    return found;
}

Result<ResolutionPtr> Directory::resolve(const Address& address) {
    const auto config = state_->config.current();
    Address wanted = address;
    if (wanted.domain.empty()) { // RFC 5321 §4.1.1.3: RCPT TO:<postmaster>
        if (!text::iequals(wanted.local, "postmaster"))
            return fail(ErrorCode::not_found, "no such recipient");
        if (auto configured = parse_address(config->server.postmaster)) {
            wanted = std::move(*configured);
        } else if (!config->domains.empty()) {
            wanted.domain = config->domains.begin()->first;
        } else {
            auto held = std::make_shared<Resolution>();
            held->remote.push_back({{wanted.local, config->server.hostname}, false});
            held->is_local_domain = held->hold = true;
            return ResolutionPtr(std::move(held));
        }
    }
    const std::string key = address_key(wanted);
    if (auto known = state_->resolutions.find(key))
        return *known;
    if (Srs::is_srs(wanted.local)) // good for some days only, and anybody may make up as many as they like
        return Resolver(*this, *config, Resolver::Mode::delivery).run(wanted);
    const std::uint64_t read_at = state_->generation;
    auto out = Resolver(*this, *config, Resolver::Mode::delivery).run(wanted);
    if (out ? out.value()->is_local_domain : out.error().code == ErrorCode::not_found)
        state_->resolutions.put(key, out, read_at, state_->generation);
    return out;
}

} // namespace mail::service
