#include "tests/unit/service/world.hpp"

#include "common/base/text.hpp"
#include "common/schema/json.hpp"
#include "common/schema/registry.hpp"
#include "common/schema/view.hpp"
#include "maild/store/memory/memory_store.hpp"

#include <boost/json.hpp>

namespace mail::service::test {

World::World(const Clock& clock) : store(store::open_memory(clock)), config(*store), directory(*store, config) {
    store->on_commit([this](const store::Changes& changes) { directory.forget(changes); });
    REQUIRE(directory.open());
    add("server", "server", R"({"hostname":"mx.example.test"})");
    add("domain", "example.test");
    add("mailbox", "ann@example.test", R"({"aliases":["a.archer@example.test"],"display_name":"Ann Archer"})");
    add("mailbox", "bob@example.test");
}
World::~World() = default;

void World::add(std::string_view kind_name, const std::string& name, std::string_view text) {
    const schema::Kind* kind = schema::find_kind(kind_name);
    REQUIRE(kind != nullptr);
    schema::Issues issues;
    const auto spec = schema::normalise(*kind, name, boost::json::parse(std::string(text)).as_object(), issues);
    INFO(kind_name << " " << name << " " << text);
    REQUIRE_FALSE(schema::has_errors(issues));
    store::ResourceWrite write;
    write.kind = kind_name;
    write.name = name;
    write.spec = boost::json::serialize(spec);
    write.addresses = schema::addresses_of(*kind, name, spec);
    write.has_account = kind->has_account;
    const schema::Keeping keeping = schema::keeping_of(*kind, name, spec);
    write.keeping = {keeping.recoverable, keeping.recoverable_bytes, keeping.held_until};
    store::ResourceBatch batch;
    batch.writes.push_back(std::move(write));
    REQUIRE(run(store->resources().apply(std::move(batch))));
    REQUIRE(run(config.reload()));
}

ResolutionPtr World::resolution(std::string_view address) {
    auto out = directory.resolve(parse_address(address).value());
    INFO(address << ": " << (out ? "" : out.error().message));
    REQUIRE(out);
    return *out;
}

std::string World::resolve(std::string_view address) {
    const auto out = directory.resolve(parse_address(address).value());
    if (!out)
        return std::string(face_of(out.error().code).name) + ": " + out.error().message;
    std::vector<std::string> all;
    for (const auto& mailbox : (*out)->mailboxes)
        all.push_back(mailbox->address);
    for (const auto& remote : (*out)->remote)
        all.push_back(remote.text() + (remote.forwarded ? " (forwarded)" : ""));
    return text::join(all, ",");
}

MailboxPtr World::mailbox(std::string_view key) {
    auto out = directory.find(key);
    REQUIRE(out);
    return *out;
}

std::string World::steps(std::string_view address) {
    std::vector<std::string> all;
    const ResolutionPtr found = resolution(address);
    for (const auto& step : found->steps)
        all.push_back(step.text());
    return text::join(all, "; ");
}

} // namespace mail::service::test
