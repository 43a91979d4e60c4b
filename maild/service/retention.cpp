#include "maild/service/retention.hpp"

#include "common/base/text.hpp"

#include <algorithm>

namespace mail::service {
namespace {

constexpr std::pair<std::string_view, store::SpecialUse> uses[] = {
    {"inbox", store::SpecialUse::inbox}, {"drafts", store::SpecialUse::drafts}, {"sent", store::SpecialUse::sent},
    {"trash", store::SpecialUse::trash}, {"junk", store::SpecialUse::junk},     {"archive", store::SpecialUse::archive}};

bool is_for(const schema::Retention& rule, store::SpecialUse use) {
    return std::any_of(std::begin(uses), std::end(uses), [&](const auto& entry) {
        return entry.second == use && std::find(rule.special_use.begin(), rule.special_use.end(), entry.first) != rule.special_use.end();
    });
}

bool is_within(std::string_view name, std::string_view top) {
    return name == top || (name.size() > top.size() && name.starts_with(top) && name[top.size()] == '/');
}

/// Names of the folders that a rule is about; with them go those below.
std::vector<std::string> tops_of(const schema::Retention& rule, const std::vector<store::Folder>& folders) {
    std::vector<std::string> tops;
    for (const std::string& name : rule.folders)
        tops.push_back(text::iequals(name, "inbox") ? std::string("INBOX") : name);
    for (const store::Folder& folder : folders)
        if (is_for(rule, folder.special_use))
            tops.push_back(folder.name);
    return tops;
}

} // namespace

bool RetentionRules::any() const { return shortest().has_value(); }

std::optional<Duration> RetentionRules::shortest() const {
    std::optional<Duration> found;
    for (const auto& [name, rule] : config_->retentions)
        if (rule.enabled)
            found = std::min(found.value_or(rule.after), rule.after);
    return found;
}

std::vector<RetentionCase> RetentionRules::cases(const Mailbox& mailbox, const std::vector<store::Folder>& folders, Time now) const {
    std::vector<RetentionCase> out;
    for (const auto& [name, rule] : config_->retentions) {
        if (!rule.enabled || (!rule.mailboxes.empty() && !directory_.covers(rule.mailboxes, mailbox)) ||
            directory_.covers(rule.except, mailbox))
            continue;
        const auto tops = tops_of(rule, folders);
        const bool everything = rule.folders.empty() && rule.special_use.empty();
        for (const store::Folder& folder : folders) {
            const bool meant = everything || std::any_of(tops.begin(), tops.end(), [&](const auto& top) { return is_within(folder.name, top); });
            if (folder.account != mailbox.account || folder.folder_class != store::FolderClass::mail || !meant)
                continue;
            const auto age = rule.age == "received" ? store::AgeOf::received : store::AgeOf::saved;
            out.push_back({name, folder.name, {folder.id, now - rule.after, age}, rule.action == "delete"});
        }
    }
    return out;
}

} // namespace mail::service
