// ResourceStore on the embedded engine.
#include "maild/store/sqlite/engine.hpp"
#include "maild/store/sqlite/reads.hpp"
#include "maild/store/sqlite/transactions.hpp"

namespace mail::store::sqlite {
namespace {

#define MAIL_RESOURCE_COLUMNS "kind, name, spec, apply_set, version, created, updated"

Resource resource_of(const Query& query) {
    return {query.string(0), query.string(1), query.string(2), query.string(3),
            query.count(4),  query.time(5),   query.time(6)};
}

Result<AddressEntry> read_address(Database& db, std::string_view key) {
    Query query(db, "SELECT key, kind, name FROM address WHERE key = ?");
    MAIL_TRY(const bool row, query.bind(key).step());
    if (!row)
        return fail(ErrorCode::not_found, "no such address");
    return AddressEntry{query.string(0), query.string(1), query.string(2)};
}

Result<Resource> read_resource(Database& db, std::string_view kind, std::string_view name) {
    Query query(db, "SELECT " MAIL_RESOURCE_COLUMNS " FROM resource WHERE kind = ? AND name = ?");
    MAIL_TRY(const bool row, query.bind(kind).bind(name).step());
    if (!row)
        return fail(ErrorCode::not_found, std::string(kind) + " " + std::string(name) + " does not exist");
    return resource_of(query);
}

Result<std::vector<Resource>> read_page(Database& db, const ResourcePage& page) {
    std::vector<Resource> found;
    // With a kind the key is walked from `after` on; without one all kinds are.
    Query query(db, page.kind.empty() ? "SELECT " MAIL_RESOURCE_COLUMNS
                                        " FROM resource WHERE ?1 = '' AND name > ?2 ORDER BY kind, name"
                                      : "SELECT " MAIL_RESOURCE_COLUMNS
                                        " FROM resource WHERE kind = ?1 AND name > ?2 ORDER BY name");
    query.bind(page.kind).bind(page.after);
    const std::string ending = "@" + page.domain;
    while (page.limit == 0 || found.size() < page.limit) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            break;
        if ((!page.domain.empty() && !query.text(1).ends_with(ending)) ||
            (!page.set.empty() && query.text(3) != page.set))
            continue;
        found.push_back(resource_of(query));
    }
    return found;
}

Result<std::vector<HistoryEntry>> read_history(Database& db, std::size_t limit) {
    std::vector<HistoryEntry> entries;
    Query query(db, "SELECT number, revision, at, actor, apply_set, summary, operations FROM history ORDER BY "
                    "number DESC LIMIT ?");
    query.bind(std::uint64_t{limit});
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return entries;
        entries.push_back({query.count(0), query.count(1), query.time(2), query.string(3), query.string(4), query.string(5),
                           query.string(6)});
    }
}

Result<std::uint64_t> read_revision(Database& db) {
    Query query(db, "SELECT value FROM counter WHERE name = 'revision'");
    MAIL_TRY(const bool row, query.step());
    return row ? query.count(0) : 0;
}

class ResourcePart final : public ResourceStore {
  public:
    explicit ResourcePart(Engine& engine) : engine_(engine) {}
    Task<Result<std::uint64_t>> revision() override {
        co_return engine_.now<std::uint64_t>([](Database& db) { return read_revision(db); });
    }
    Result<std::uint64_t> revision_now() override {
        return engine_.now<std::uint64_t>([](Database& db) { return read_revision(db); });
    }
    Task<Result<Resource>> get(std::string_view kind, std::string_view name) override {
        co_return get_now(kind, name);
    }
    Task<Result<std::vector<Resource>>> list(ResourcePage page) override {
        std::function<Result<std::vector<Resource>>(Database&)> read =
            [page = std::move(page)](Database& db) { return read_page(db, page); };
        co_return co_await engine_.later<std::vector<Resource>>(std::move(read));
    }
    Task<Result<AddressEntry>> find_address(std::string_view key) override {
        co_return find_address_now(key);
    }
    Task<Result<std::uint64_t>> apply(ResourceBatch batch) override {
        std::function<Result<std::uint64_t>(WriteContext&)> body =
            [batch = std::move(batch)](WriteContext& context) { return sqlite::apply(context, batch); };
        co_return co_await engine_.writer->run<std::uint64_t>(std::move(body));
    }
    Task<Result<std::vector<HistoryEntry>>> history(std::size_t limit) override {
        std::function<Result<std::vector<HistoryEntry>>(Database&)> read = [limit](Database& db) {
            return read_history(db, limit);
        };
        co_return co_await engine_.later<std::vector<HistoryEntry>>(std::move(read));
    }
    Task<Result<std::uint64_t>> record(HistoryEntry entry) override {
        std::function<Result<std::uint64_t>(WriteContext&)> body =
            [entry = std::move(entry)](WriteContext& context) { return sqlite::record(context, entry); };
        co_return co_await engine_.writer->run<std::uint64_t>(std::move(body));
    }
    Task<Result<std::string>> applied_hash() override {
        auto hash = engine_.now<std::string>([](Database& db) { return read_meta(db, "applied"); });
        if (!hash && hash.error().code == ErrorCode::not_found)
            co_return std::string();
        co_return hash;
    }
    Result<AddressEntry> find_address_now(std::string_view key) override {
        return engine_.now<AddressEntry>([&](Database& db) { return read_address(db, key); });
    }
    Result<Resource> get_now(std::string_view kind, std::string_view name) override {
        return engine_.now<Resource>([&](Database& db) { return read_resource(db, kind, name); });
    }
    Result<AccountId> find_account_now(std::string_view key) override {
        return engine_.now<AccountId>([&](Database& db) { return read_account(db, key); });
    }

  private:
    Engine& engine_;
};

} // namespace

Result<std::string> read_meta(Database& db, std::string_view key) {
    Query query(db, "SELECT value FROM meta WHERE key = ?");
    MAIL_TRY(const bool row, query.bind(key).step());
    if (!row)
        return fail(ErrorCode::not_found, "no such mark");
    return query.string(0);
}

std::unique_ptr<ResourceStore> make_resources(Engine& engine) {
    return std::make_unique<ResourcePart>(engine);
}

} // namespace mail::store::sqlite
