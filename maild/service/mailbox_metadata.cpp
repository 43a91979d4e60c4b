// Mailboxes: metadata entries (RFC 5464), kept as attributes: "shared/NAME", and "private/ACCOUNT/NAME" for each reader.
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "maild/service/mailboxes_state.hpp"

namespace mail::service {

namespace {

constexpr std::string_view shared_entry = "/shared/";
constexpr std::string_view private_entry = "/private/";

std::string private_prefix(store::AccountId who) { return "private/" + std::to_string(who) + "/"; }

// The attribute an entry is kept in. Entry names are ASCII and their case does not count (RFC 5464 §3.2).
std::string attribute_of(store::AccountId who, std::string_view entry) {
    const auto name = text::to_lower(entry);
    return name.starts_with(shared_entry) ? name.substr(1) : private_prefix(who) + name.substr(private_entry.size());
}

} // namespace

// RFC 5464 §3.3: metadata asks for the right to look the folder up and one of r, s, w, i, p.
Task<Result<store::AccountId>> Mailboxes::metadata_owner(store::AccountId who, store::FolderId folder) const {
    if (folder == 0)
        co_return who;
    MAIL_CO_TRY(const auto held, co_await authorize(who, folder, Right::lookup));
    constexpr RightSet any_of = bit(Right::read) | bit(Right::seen) | bit(Right::write) | bit(Right::insert) | bit(Right::post);
    if ((held & any_of) == 0)
        co_return fail(ErrorCode::denied, "no right to the metadata of this folder");
    MAIL_CO_TRY(const auto row, co_await state_->store.mail().folder(folder));
    co_return row.account;
}

Task<Result<Mailboxes::Metadata>> Mailboxes::metadata(store::AccountId who, store::FolderId folder) {
    MAIL_CO_TRY(const auto owner, co_await metadata_owner(who, folder));
    MAIL_CO_TRY(auto rows, co_await state_->store.mail().attributes(owner, folder));
    if (folder == 0) { // the server's own stand elsewhere
        MAIL_CO_TRY(const auto common, co_await state_->store.mail().attributes(0, 0));
        rows.insert(rows.end(), common.begin(), common.end());
    }
    const auto own = private_prefix(who);
    Metadata out;
    for (auto& row : rows) {
        if (row.name.starts_with(own))
            out.emplace_back(std::string(private_entry) + row.name.substr(own.size()), std::move(row.value));
        else if (row.name.starts_with("shared/"))
            out.emplace_back("/" + row.name, std::move(row.value));
    }
    co_return out;
}

Task<Result<void>> Mailboxes::set_metadata(store::AccountId who, store::FolderId folder,
                                           std::vector<std::pair<std::string, std::optional<std::string>>> entries) {
    MAIL_CO_TRY(const auto owner, co_await metadata_owner(who, folder));
    MAIL_CO_TRY(const auto present, co_await metadata(who, folder));
    std::vector<store::AttributeChange> changes;
    std::size_t added = 0;
    for (auto& [name, value] : entries) {
        if (folder == 0 && text::istarts_with(name, shared_entry))
            co_return fail(ErrorCode::denied, "shared entries of the server are its administrator's");
        if (value && value->size() > static_cast<std::size_t>(limit::metadata_bytes))
            co_return fail(ErrorCode::too_large, "the value is too large");
        if (value)
            ++added;
        changes.push_back({attribute_of(who, name), std::move(value)});
    }
    if (added > 0 && present.size() + added > static_cast<std::size_t>(limit::metadata_entries))
        co_return fail(ErrorCode::over_quota, "there are too many entries");
    co_return co_await state_->store.mail().put_attributes(owner, folder, std::move(changes));
}

} // namespace mail::service
