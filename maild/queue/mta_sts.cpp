#include "maild/queue/mta_sts.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>

namespace mail::queue {
namespace {

constexpr Duration longest_age = std::chrono::seconds(31'557'600); // RFC 8461 §3.2: at most a year
constexpr Duration after_failed_fetch = std::chrono::minutes(5);   // §3.3: not at every message
constexpr std::size_t most_mx = 100;

/// "key: value" apart; false when the line is none.
bool split_line(std::string_view line, std::string& key, std::string_view& value) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos)
        return false;
    key = text::to_lower(text::trim(line.substr(0, colon)));
    value = text::trim(line.substr(colon + 1));
    return true;
}

Result<void> take(StsPolicy& policy, std::string_view key, std::string_view value, bool& has_version) {
    if (key == "version") {
        if (value != "STSv1")
            return fail(ErrorCode::invalid, "the MTA-STS policy is of another version");
        has_version = true;
    } else if (key == "mode") {
        if (value != "none" && value != "testing" && value != "enforce")
            return fail(ErrorCode::invalid, "the MTA-STS policy has an unknown mode");
        policy.mode = value == "enforce"   ? StsPolicy::Mode::enforce
                      : value == "testing" ? StsPolicy::Mode::testing
                                           : StsPolicy::Mode::none;
    } else if (key == "max_age") {
        const auto seconds = text::number<std::int64_t>(value);
        if (!seconds || *seconds < 0)
            return fail(ErrorCode::invalid, "the MTA-STS policy has a bad max_age");
        policy.max_age = std::chrono::seconds(std::min<std::int64_t>(*seconds, 31'557'600));
    } else if (key == "mx" && policy.mx.size() < most_mx) {
        policy.mx.push_back(text::to_lower(value));
        if (policy.mx.back().ends_with('.'))
            policy.mx.back().pop_back();
    }
    return {}; // §3.2: unknown fields are ignored
}

} // namespace

bool StsPolicy::allows(std::string_view host) const {
    const std::string name = text::to_lower(host);
    return std::any_of(mx.begin(), mx.end(), [&name](const std::string& pattern) {
        if (!pattern.starts_with("*."))
            return pattern == name;
        // §4.1: the star stands for exactly one label.
        const std::size_t dot = name.find('.');
        return dot != name.npos && dot > 0 && std::string_view(name).substr(dot) == std::string_view(pattern).substr(1);
    });
}

Result<StsPolicy> parse_sts_policy(std::string_view text) {
    if (text.size() > std::size_t{limit::mta_sts_bytes})
        return fail(ErrorCode::too_large, "the MTA-STS policy is too large");
    StsPolicy policy;
    policy.max_age = longest_age + Duration(1); // none seen
    policy.text = std::string(text);
    bool has_version = false;
    bool has_mode = false;
    for (std::string_view line : text::split(text, '\n')) {
        std::string key;
        std::string_view value;
        if (!split_line(text::trim(line), key, value))
            continue;
        has_mode = has_mode || key == "mode";
        MAIL_DO(take(policy, key, value, has_version));
    }
    if (!has_version || !has_mode || policy.max_age > longest_age)
        return fail(ErrorCode::invalid, "the MTA-STS policy lacks version, mode or max_age");
    if (policy.mode != StsPolicy::Mode::none && policy.mx.empty())
        return fail(ErrorCode::invalid, "the MTA-STS policy names no mail exchanger");
    return policy;
}

std::optional<std::string> sts_id(const std::vector<std::string>& records) {
    std::optional<std::string> id;
    for (const std::string& record : records) {
        const auto fields = text::split(record, ';');
        if (fields.empty() || text::trim(fields.front()) != "v=STSv1")
            continue;
        if (id)
            return std::nullopt; // §3.1: more than one means none
        for (std::string_view field : fields) {
            field = text::trim(field);
            const auto is_plain = [](char c) { return text::is_alnum(c); }; // §3.1: 1 to 32 letters and digits
            if (field.starts_with("id=") && field.size() > 3 && field.size() <= 35 &&
                std::all_of(field.begin() + 3, field.end(), is_plain))
                id = std::string(field.substr(3));
        }
        if (!id)
            return std::nullopt;
    }
    return id;
}

StsPolicies::StsPolicies(const Clock& clock, StsFetch fetch, std::string file)
    : clock_(clock), fetch_(std::move(fetch)), file_(std::move(file)) {
    if (!file_.empty())
        load();
}

/// A line for each policy: domain, id, end in microseconds, text in base64. Later lines count; what ended is left out of the
/// file that is written anew.
void StsPolicies::load() {
    {
        std::ifstream in(file_);
        std::string line;
        while (std::getline(in, line) && entries_.size() < std::size_t{limit::mta_sts_policies}) {
            const auto parts = text::split(line, ' ');
            const auto ends = parts.size() == 4 ? text::number<std::int64_t>(parts[2]) : std::nullopt;
            const auto body = ends ? text::unbase64(parts[3]) : std::nullopt;
            if (!body || from_micros(*ends) <= clock_.now())
                continue;
            auto policy = parse_sts_policy(*body);
            if (!policy)
                continue;
            policy->id = parts[1];
            entries_[std::string(parts[0])] = {std::make_shared<const StsPolicy>(std::move(*policy)), from_micros(*ends)};
        }
    }
    (void)std::remove(file_.c_str());
    for (const auto& [domain, entry] : entries_)
        append(domain, entry);
}

void StsPolicies::append(const std::string& domain, const Entry& entry) const {
    if (file_.empty() || !entry.policy)
        return;
    std::ofstream out(file_, std::ios::app);
    out << domain << ' ' << entry.policy->id << ' ' << to_micros(entry.ends) << ' ' << text::base64(entry.policy->text) << '\n';
}

std::optional<StsPolicies::Entry> StsPolicies::kept(const std::string& domain) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(domain);
    if (found == entries_.end())
        return std::nullopt;
    if (found->second.ends <= clock_.now()) {
        entries_.erase(found);
        return std::nullopt;
    }
    return found->second;
}

void StsPolicies::keep(const std::string& domain, Entry entry) {
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= std::size_t{limit::mta_sts_policies})
        entries_.erase(entries_.begin());
    append(domain, entry);
    entries_[domain] = std::move(entry);
}

Task<std::shared_ptr<const StsPolicy>> StsPolicies::find(std::shared_ptr<net::Resolver> resolver, std::string domain,
                                                         bool allow_loopback) {
    const auto old = kept(domain);
    auto records = co_await resolver->txt("_mta-sts." + domain);
    std::optional<std::string> id;
    if (records)
        id = sts_id(records->records);
    // §5.1: what is kept counts until it ends, also when the record is gone or DNS is silent.
    const bool is_known = old && old->policy && (!id || old->policy->id == *id);
    if (is_known)
        co_return old->policy;
    if (!id)
        co_return nullptr;
    if (old && !old->policy)
        co_return nullptr; // a fetch failed a moment ago
    auto text = co_await fetch_(resolver, domain, allow_loopback);
    Result<StsPolicy> policy = fail(ErrorCode::temporary, text ? "" : text.error().message);
    if (text)
        policy = parse_sts_policy(*text);
    if (!policy) {
        log(Event::mta_sts_failed, {{"domain", domain}, {"reason", policy.error().message}});
        if (old && old->policy)
            co_return old->policy;
        keep(domain, {nullptr, clock_.now() + after_failed_fetch});
        co_return nullptr;
    }
    policy->id = *id;
    const Time ends = clock_.now() + policy->max_age;
    auto shared = std::make_shared<const StsPolicy>(std::move(*policy));
    keep(domain, {shared, ends});
    co_return shared;
}

} // namespace mail::queue
