#include "maild/admin/view.hpp"

#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "common/sasl/verifier.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace {

schema::Current current_of(const store::Resource& row) {
    boost::system::error_code error;
    auto value = boost::json::parse(row.spec, error);
    auto spec = std::make_shared<boost::json::object>();
    if (!error && value.is_object())
        *spec = std::move(value.get_object());
    return {row.kind, row.name, std::move(spec), row.set};
}

} // namespace

std::optional<schema::Current> Resources::View::find(std::string_view kind, std::string_view name) const {
    const std::string key = std::string(kind) + "/" + std::string(name);
    if (const auto it = known_.find(key); it != known_.end())
        return it->second;
    const auto row = store_.resources().get_now(kind, name);
    if (!row && row.error().code != ErrorCode::not_found)
        failure_ = row.error();
    return known_[key] = row ? std::optional(current_of(*row)) : std::nullopt;
}

std::optional<schema::AddressOwner> Resources::View::find_address(std::string_view key) const {
    const auto entry = store_.resources().find_address_now(key);
    if (entry)
        return schema::AddressOwner{entry->kind, entry->name};
    if (entry.error().code != ErrorCode::not_found)
        failure_ = entry.error();
    return std::nullopt;
}

namespace {
Task<void> read_all(store::ResourceStore& resources, store::ResourcePage page,
                    Result<std::vector<store::Resource>>& into) {
    into = co_await resources.list(std::move(page));
}
} // namespace

void Resources::View::each(std::string_view kind, const std::function<bool(const schema::Current&)>& visit) const {
    store::ResourcePage page;
    page.kind = kind;
    Result<std::vector<store::Resource>> rows;
    async::run_until_done(read_all(store_.resources(), std::move(page), rows)); // a worker thread: it may wait
    if (!rows) {
        failure_ = rows.error();
        return;
    }
    for (const auto& row : *rows)
        if (!visit(current_of(row)))
            return;
}

Result<schema::SecretSealer::Sealed> Resources::Sealer::seal(std::string_view password) const {
    MAIL_TRY(const auto verifier, sasl::make_verifier(password));
    return Sealed{sasl::to_text(verifier), text::hex(crypto::hmac_sha256(key_, password))};
}

bool Resources::Sealer::same(const Sealed& stored, std::string_view password) const {
    if (!stored.fingerprint.empty())
        return crypto::constant_time_equal(stored.fingerprint, text::hex(crypto::hmac_sha256(key_, password)));
    const auto verifier = sasl::parse_verifier(stored.hash);
    return verifier && sasl::check_password(*verifier, password);
}

Result<void> Resources::Sealer::check_hash(std::string_view hash) const {
    const auto verifier = sasl::parse_verifier(hash);
    if (!verifier)
        return fail(verifier.error());
    return {};
}

} // namespace mail::admin
