#include "maild/offline.hpp"

#include "maild/privileges.hpp"
#include "maild/store/sqlite/sqlite_store.hpp"

#include <cstdio>

namespace mail {
namespace {

constexpr int exit_damaged = 1, exit_config = 78;

int complain(const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.message.c_str());
    if (!error.hint.empty())
        std::fprintf(stderr, "hint: %s\n", error.hint.c_str());
    return exit_config;
}

} // namespace

int check(const BootConfig& boot) {
    // As the user maild runs as, so that no file ends up belonging to root.
    if (const auto user = drop_privileges(boot.user, boot.data_dir); !user)
        return complain(user.error());
    const auto report = store::check_store(boot.data_dir, false, boot.repair);
    if (!report)
        return complain(report.error());
    for (const auto& problem : report->problems)
        std::printf("damaged: %s\n", problem.c_str());
    const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
    std::printf("checked %llu messages, %llu bytes in %llu segments; %llu bytes that no row names (swept in time)\n",
                number(report->blobs), number(report->bytes), number(report->segments), number(report->orphan_bytes));
    if (report->repaired != 0)
        std::printf("%llu problems repaired\n", number(report->repaired));
    if (report->healthy())
        std::printf("the store is sound\n");
    else
        std::printf("%llu problems\n", number(report->problem_count));
    return report->healthy() ? 0 : exit_damaged;
}

int migrate(const BootConfig& boot) {
    if (const auto user = drop_privileges(boot.user, boot.data_dir); !user)
        return complain(user.error());
    store::SqliteOptions options;
    options.directory = boot.data_dir;
    options.clock = &system_clock();
    auto store = store::open_sqlite(std::move(options));
    if (!store)
        return complain(store.error());
    (*store)->close();
    std::printf("the store is of this version\n");
    return 0;
}

} // namespace mail
