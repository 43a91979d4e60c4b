#include "maild/service/directory.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/schema/json.hpp"
#include "common/schema/kinds/alias.hpp"
#include "common/schema/kinds/group.hpp"
#include "common/schema/kinds/mailbox.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/store/store.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <unordered_map>

namespace mail::service {
namespace {
constexpr std::size_t cache_entries = 50000;
constexpr std::string_view names[] = {"smtp", "submission", "lmtp", "imap", "pop3", "ews", "dav", "managesieve"};
} // namespace

std::string_view protocol_name(Protocol protocol) noexcept { return names[static_cast<std::size_t>(protocol)]; }

bool Mailbox::allows(Protocol protocol) const {
    return protocols.empty() || std::find(protocols.begin(), protocols.end(), protocol_name(protocol)) != protocols.end();
}

bool Mailbox::may_send_as(std::string_view address_key) const {
    return std::find(addresses.begin(), addresses.end(), address_key) != addresses.end();
}

struct Directory::State {
    State(store::Store& s, Config& c) : store(s), config(c) {}

    /// A bounded map that forgets everything when it is full or when the generation moved on while a row was read.
    template <class T> class Cache {
      public:
        [[nodiscard]] std::optional<T> find(const std::string& key) {
            const std::lock_guard lock(mutex_);
            const auto it = entries_.find(key);
            return it == entries_.end() ? std::nullopt : std::optional(it->second);
        }
        void put(const std::string& key, const T& value, std::uint64_t read_at, const std::atomic<std::uint64_t>& now) {
            const std::lock_guard lock(mutex_);
            if (read_at != now.load())
                return;
            if (entries_.size() >= cache_entries)
                entries_.clear();
            entries_.insert_or_assign(key, value);
        }
        void clear() {
            const std::lock_guard lock(mutex_);
            entries_.clear();
        }

      private:
        std::mutex mutex_;
        std::unordered_map<std::string, T> entries_;
    };

    store::Store& store;
    Config& config;
    std::atomic<std::uint64_t> generation{0};
    Cache<Result<MailboxPtr>> mailboxes;
    Cache<Result<std::shared_ptr<const Resolution>>> resolutions;
};

Directory::Directory(store::Store& store, Config& config) : state_(std::make_unique<State>(store, config)) {}
Directory::~Directory() = default;

void Directory::forget(const store::Changes& changes) {
    if (changes.resources.empty() && changes.revision == 0)
        return;
    ++state_->generation; // before the clearing, so that no reader puts an older row back
    state_->mailboxes.clear();
    state_->resolutions.clear();
}

namespace {

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
    out->quota = spec.quota;
    out->protocols = spec.protocols;
    out->forward = spec.forward;
    out->addresses.push_back(name);
    for (const auto& alias : spec.aliases)
        if (const auto address = parse_address(alias))
            out->addresses.push_back(address_key(*address));
    if (out->quota == 0) {
        const auto at = name.rfind('@');
        const auto domain = config.domains.find(name.substr(at == std::string::npos ? 0 : at + 1));
        if (domain != config.domains.end())
            out->quota = domain->second.default_quota;
    }
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

/// One resolution under way: addresses still to follow, and what was reached.
class Directory::Resolver {
  public:
    Resolver(Directory& directory, const ConfigSnapshot& config) : directory_(directory), config_(config) {}

    Result<std::shared_ptr<const Resolution>> run(const Address& address) {
        open_.push_back({address, 0});
        while (!open_.empty()) {
            auto [next, depth] = std::move(open_.back());
            open_.pop_back();
            if (!seen_.insert(address_key(next)).second)
                continue; // reached by two ways, or a loop: once is enough
            if (seen_.size() > limit::expanded_recipients || depth > limit::alias_depth)
                return fail(ErrorCode::invalid, "the address leads to too many others",
                            "look at it with: mailctl alias show, mailctl group show");
            const auto followed = follow(next, depth);
            // The address itself must lead somewhere; a stale member of a group only loses its own copy.
            if (!followed && (depth == 0 || followed.error().code != ErrorCode::not_found))
                return fail(followed.error());
        }
        if (out_->mailboxes.empty() && out_->remote.empty())
            return fail(disabled_ ? ErrorCode::denied : ErrorCode::not_found,
                        disabled_ ? "the mailbox is disabled" : "no such recipient");
        return std::shared_ptr<const Resolution>(std::move(out_));
    }

  private:
    struct Step {
        Address address;
        int depth;
    };

    Result<void> follow(const Address& address, int depth) {
        const auto domain = domain_key(address.domain);
        const auto local = domain ? config_.domains.find(*domain) : config_.domains.end();
        if (local == config_.domains.end()) {
            out_->remote.push_back(address);
            return {};
        }
        if (depth == 0)
            out_->is_local_domain = true;
        if (!local->second.enabled)
            return fail(ErrorCode::temporary, "mail for this domain is not taken at the moment");
        auto reached = lookup(address_key(address), depth);
        if (!reached && reached.error().code == ErrorCode::not_found && !detail_of(address).empty()) {
            reached = lookup(address_key(without_detail(address)), depth);
            if (reached)
                note("detail", address.text());
        }
        if (!reached && reached.error().code == ErrorCode::not_found)
            reached = last_resort(address, local->second, depth);
        return reached;
    }

    Result<void> lookup(const std::string& key, int depth) {
        auto& resources = directory_.state_->store.resources();
        MAIL_TRY(const auto entry, resources.find_address_now(key));
        if (entry.kind == "mailbox") {
            MAIL_TRY(const auto mailbox, directory_.find(key));
            add(mailbox, depth);
            return {};
        }
        MAIL_TRY(const auto row, resources.get_now(entry.kind, entry.name));
        if (entry.kind == "alias") {
            MAIL_TRY(const auto alias, schema::decode<schema::Alias>(row.name, std::string_view(row.spec)));
            note("alias", key);
            return expand(alias.targets, alias.enabled, depth);
        }
        if (entry.kind == "group") {
            MAIL_TRY(const auto group, schema::decode<schema::Group>(row.name, std::string_view(row.spec)));
            note("group", key);
            return expand(group.members, group.enabled, depth);
        }
        return fail(ErrorCode::not_found, "no such recipient");
    }

    Result<void> expand(const std::vector<std::string>& members, bool enabled, int depth) {
        if (!enabled) {
            disabled_ = true;
            return {};
        }
        for (const auto& member : members)
            if (auto address = parse_address(member))
                open_.push_back({std::move(*address), depth + 1});
        return {};
    }

    void add(const MailboxPtr& mailbox, int depth) {
        if (!mailbox->enabled) {
            disabled_ = true;
            return;
        }
        if (accounts_.insert(mailbox->account).second)
            out_->mailboxes.push_back(mailbox);
        if (!mailbox->forward.empty())
            note("forward", mailbox->address);
        for (const auto& target : mailbox->forward)
            if (auto address = parse_address(target))
                open_.push_back({std::move(*address), depth + 1});
    }

    Result<void> last_resort(const Address& address, const schema::Domain& domain, int depth) {
        if (!domain.catch_all.empty())
            if (auto catch_all = parse_address(domain.catch_all))
                if (!seen_.contains(address_key(*catch_all))) {
                    note("catch-all", domain.name);
                    open_.push_back({std::move(*catch_all), depth + 1});
                    return {};
                }
        if (!text::iequals(address.local, "postmaster"))
            return fail(ErrorCode::not_found, "no such recipient");
        // RFC 5321 §4.5.1: postmaster is always taken; without a mailbox it waits for an administrator.
        auto postmaster = parse_address(config_.server.postmaster);
        note("postmaster", address.text());
        if (postmaster && !seen_.contains(address_key(*postmaster))) {
            open_.push_back({std::move(*postmaster), depth + 1});
            return {};
        }
        out_->remote.push_back(address);
        out_->hold = true;
        return {};
    }

    /// For the story of the message.
    void note(std::string_view what, std::string address) {
        if (out_->hops.size() < std::size_t{limit::story_hops})
            out_->hops.push_back({what, std::move(address)});
    }

    Directory& directory_;
    const ConfigSnapshot& config_;
    std::vector<Step> open_;
    std::set<std::string> seen_;
    std::set<store::AccountId> accounts_;
    std::shared_ptr<Resolution> out_ = std::make_shared<Resolution>();
    bool disabled_ = false;
};

Result<std::shared_ptr<const Resolution>> Directory::resolve(const Address& address) {
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
            held->remote.push_back({wanted.local, config->server.hostname});
            held->is_local_domain = held->hold = true;
            return std::shared_ptr<const Resolution>(std::move(held));
        }
    }
    const std::string key = address_key(wanted);
    if (auto known = state_->resolutions.find(key))
        return *known;
    const std::uint64_t read_at = state_->generation;
    auto out = Resolver(*this, *config).run(wanted);
    if (out ? out.value()->is_local_domain : out.error().code == ErrorCode::not_found)
        state_->resolutions.put(key, out, read_at, state_->generation);
    return out;
}

} // namespace mail::service
