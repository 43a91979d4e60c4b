#include "maild/service/snapshot.hpp"

#include "common/base/log.hpp"
#include "common/schema/json.hpp"
#include "maild/store/store.hpp"

#include <array>
#include <unistd.h>

namespace mail::service {
namespace {

std::string machine_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0')
        return "localhost";
    return name.data();
}

/// All objects of one kind. One that no longer decodes (written by a newer version) is logged and left out.
template <class T> Task<Result<void>> load(store::ResourceStore& resources, std::map<std::string, T>& into) {
    store::ResourcePage page;
    page.kind = schema::kind_of<T>().name;
    MAIL_CO_TRY(const auto rows, co_await resources.list(std::move(page)));
    for (const auto& row : rows) {
        auto object = schema::decode<T>(row.name, std::string_view(row.spec));
        if (object)
            into.emplace(row.name, std::move(*object));
        else
            log(Event::session_failed, {{"kind", row.kind}, {"name", row.name}, {"reason", object.error().message}});
    }
    co_return Result<void>{};
}

template <class T> Task<Result<void>> load_one(store::ResourceStore& resources, T& into) {
    std::map<std::string, T> found;
    MAIL_CO_DO(co_await load(resources, found));
    if (!found.empty())
        into = std::move(found.begin()->second);
    co_return Result<void>{};
}

} // namespace

bool ConfigSnapshot::is_local(std::string_view domain_key) const { return domains.contains(std::string(domain_key)); }

Config::Config(store::Store& store) : store_(store) {}

void Config::on_change(std::function<void(const std::shared_ptr<const ConfigSnapshot>&)> reconcile) {
    reconcilers_.push_back(std::move(reconcile));
}

Task<Result<void>> Config::reload() {
    auto& resources = store_.resources();
    auto next = std::make_shared<ConfigSnapshot>();
    MAIL_CO_TRY(next->revision, co_await resources.revision());
    MAIL_CO_DO(co_await load_one(resources, next->server));
    MAIL_CO_DO(co_await load_one(resources, next->resolver));
    MAIL_CO_DO(co_await load_one(resources, next->policy));
    MAIL_CO_DO(co_await load(resources, next->pickups));
    MAIL_CO_DO(co_await load(resources, next->listeners));
    MAIL_CO_DO(co_await load(resources, next->certificates));
    MAIL_CO_DO(co_await load(resources, next->domains));
    MAIL_CO_DO(co_await load(resources, next->routes));
    MAIL_CO_DO(co_await load(resources, next->holds));
    MAIL_CO_DO(co_await load(resources, next->retentions));
    MAIL_CO_DO(co_await load(resources, next->suppressions));
    next->masquerade = Masquerade(next->domains);
    if (next->server.hostname.empty())
        next->server.hostname = machine_name();
    std::shared_ptr<const ConfigSnapshot> published = std::move(next);
    std::atomic_store(&current_, published);
    for (const auto& reconcile : reconcilers_)
        reconcile(published);
    co_return Result<void>{};
}

} // namespace mail::service
