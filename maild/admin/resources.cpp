#include "maild/admin/resources.hpp"

#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "common/schema/json.hpp"
#include "common/schema/registry.hpp"
#include "maild/admin/view.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace {

constexpr std::string_view fingerprint_key = "fingerprint-key";
constexpr int stale_tries = 5;
constexpr std::size_t history_operations = 1000;

std::string summary_of(const schema::Plan& plan) {
    std::string out;
    for (const auto action : {schema::Action::create, schema::Action::update, schema::Action::replace,
                              schema::Action::remove, schema::Action::adopt, schema::Action::reconnect})
        if (const auto n = plan.count(action); n != 0)
            out += (out.empty() ? "" : ", ") + std::to_string(n) + " " + std::string(schema::action_name(action));
    return out;
}

std::string operations_json(const schema::Plan& plan) {
    if (plan.operations.size() > history_operations)
        return "[]"; // the summary says how many; a bulk load is not worth megabytes of history
    const auto json = schema::to_json(plan);
    const auto* operations = json.if_contains("operations");
    return operations ? boost::json::serialize(*operations) : "[]";
}

store::ResourceWrite write_of(const schema::Operation& operation, const boost::json::object& spec) {
    store::ResourceWrite out;
    out.kind = operation.kind;
    out.name = operation.name;
    out.set = operation.set;
    if (operation.action == schema::Action::remove) {
        out.action = store::ResourceWrite::Action::remove;
        return out;
    }
    out.spec = boost::json::serialize(spec);
    out.addresses = operation.addresses;
    const auto* kind = schema::find_kind(operation.kind);
    out.has_account = kind != nullptr && kind->has_account;
    if (out.has_account) {
        const schema::Keeping keeping = schema::keeping_of(*kind, operation.name, spec);
        out.keeping = {keeping.recoverable, keeping.recoverable_bytes, keeping.held_until};
    }
    return out;
}

/// What is planned as a create gets its mail back: the plan and the history say so.
void say_reconnected(schema::Plan& plan, const std::string& was) {
    for (auto& operation : plan.operations)
        if (operation.action == schema::Action::create) {
            operation.action = schema::Action::reconnect;
            operation.was = was;
        }
}

} // namespace

/// A plan and the transaction that makes it true.
struct Resources::Prepared {
    schema::Plan plan;
    store::ResourceBatch batch;
};

Resources::Resources(store::Store& store, async::WorkerPool& pool, std::function<Task<void>(std::uint64_t)> settle)
    : store_(store), pool_(pool), settle_(std::move(settle)) {}
Resources::~Resources() = default;

Result<void> Resources::open() {
    auto key = store_.meta().meta(fingerprint_key);
    if (!key && key.error().code == ErrorCode::not_found) {
        key = text::hex(crypto::random_bytes(32));
        MAIL_DO(store_.meta().put_meta(fingerprint_key, *key));
    }
    if (!key)
        return fail(key.error());
    sealer_ = std::make_unique<Sealer>(*key);
    return {};
}

namespace {

/// What PUT with If-Match and If-None-Match asks of the one object concerned.
Result<void> check_preconditions(store::Store& store, const ChangeRequest& request) {
    if (!request.only_create && !request.only_update && !request.if_version)
        return {};
    const bool removal = request.documents.empty();
    const auto& kind = removal ? request.options.removals.front().first : request.documents.front().kind;
    const auto& name = removal ? request.options.removals.front().second : request.documents.front().name;
    const auto row = store.resources().get_now(kind, name);
    if (!row && row.error().code != ErrorCode::not_found)
        return fail(row.error());
    if (request.only_create && row)
        return fail(ErrorCode::conflict, kind + " " + name + " exists already",
                    "change it with: mailctl " + kind + " set " + name);
    if (!row && (request.only_update || request.if_version))
        return fail(ErrorCode::not_found, kind + " " + name + " does not exist");
    if (request.if_version && row->version != *request.if_version)
        return fail(ErrorCode::stale, kind + " " + name + " was changed meanwhile", "read it again and retry");
    return {};
}

} // namespace

Result<Resources::Prepared> Resources::prepare(const ChangeRequest& request, ChangeFailure& why) const {
    std::uint64_t revision = 0;
    MAIL_TRY(revision, store_.resources().revision_now());
    MAIL_DO(check_preconditions(store_, request));
    View view(store_, revision);
    Prepared out;
    out.plan = schema::compute_plan(view, request.documents, request.options, *sealer_);
    if (view.failure())
        return fail(*view.failure());
    if (request.reconnect != 0)
        say_reconnected(out.plan, request.was);
    why.issues = out.plan.issues;
    if (schema::has_errors(out.plan.issues))
        return fail(schema::to_error(out.plan.issues));
    if (!request.plan_hash.empty() && request.plan_hash != out.plan.hash) {
        why.stale_plan = true;
        return fail(ErrorCode::stale, "the server changed since this plan was made", "make a new plan and apply that");
    }
    if (request.dry_run)
        return out;
    out.batch.base_revision = revision;
    out.batch.actor = request.actor;
    out.batch.summary = summary_of(out.plan);
    out.batch.operations = operations_json(out.plan);
    out.batch.applied_hash = request.applied_hash;
    for (const auto& operation : out.plan.operations) {
        if (operation.action == schema::Action::none)
            continue;
        boost::json::object spec;
        if (operation.after) {
            const auto* kind = schema::find_kind(operation.kind);
            MAIL_TRY(spec, schema::seal_secrets(*kind, *operation.after, *sealer_));
        }
        out.batch.writes.push_back(write_of(operation, spec));
        out.batch.writes.back().reconnect = request.reconnect;
    }
    return out;
}

Task<Result<ChangeOutcome>> Resources::change(ChangeRequest request, ChangeFailure& why) {
    for (int attempt = 0; attempt < stale_tries; ++attempt) {
        std::function<Result<Prepared>()> job = [this, &request, &why] { return prepare(request, why); };
        auto prepared = co_await pool_.run<Prepared>(std::move(job));
        if (!prepared) {
            why.error = prepared.error();
            co_return fail(prepared.error());
        }
        ChangeOutcome out;
        out.plan = std::move(prepared->plan);
        out.revision = out.plan.base_revision;
        const bool nothing = prepared->batch.writes.empty() && request.applied_hash.empty();
        if (request.dry_run || nothing)
            co_return out;
        const auto summary = prepared->batch.summary;
        const auto revision = co_await store_.resources().apply(std::move(prepared->batch));
        if (revision) {
            out.revision = *revision;
            out.applied = true;
            log(Event::config_changed, {{"actor", request.actor}, {"revision", *revision}, {"summary", summary}});
            co_await settle_(*revision);
            co_return out;
        }
        // Someone else's transaction came between: plan again against what is there now.
        if (revision.error().code != ErrorCode::stale || !request.plan_hash.empty()) {
            why.error = revision.error();
            why.stale_plan = revision.error().code == ErrorCode::stale;
            co_return fail(revision.error());
        }
    }
    why.error = {ErrorCode::conflict, "other changes kept coming in between", "try again"};
    co_return fail(why.error);
}

boost::json::object Resources::describe(const schema::Kind& kind, const store::Resource& row) const {
    boost::system::error_code error;
    auto spec = boost::json::parse(row.spec, error);
    boost::json::object out;
    out["kind"] = row.kind;
    out["name"] = row.name;
    if (!error && spec.is_object())
        out["spec"] = schema::complete(kind, row.name, spec.get_object());
    else
        out["spec"] = boost::json::object{};
    out["status"] = boost::json::object{};
    boost::json::object meta;
    meta["version"] = row.version;
    meta["set"] = row.set;
    meta["created"] = format_rfc3339(row.created);
    meta["updated"] = format_rfc3339(row.updated);
    out["meta"] = std::move(meta);
    return out;
}

Task<Result<boost::json::object>> Resources::show(const schema::Kind& kind, std::string name) {
    auto row = co_await store_.resources().get(kind.name, name);
    if (!row && kind.is_singleton && row.error().code == ErrorCode::not_found) {
        store::Resource defaults; // it exists even before anything was said about it
        defaults.kind = kind.name;
        defaults.name = kind.name;
        defaults.spec = "{}";
        co_return describe(kind, defaults);
    }
    if (!row && row.error().code == ErrorCode::not_found)
        co_return fail(ErrorCode::not_found, std::string(kind.name) + " " + name + " does not exist");
    if (!row)
        co_return fail(row.error());
    co_return describe(kind, *row);
}

Task<Result<std::vector<store::Resource>>> Resources::rows(store::ResourcePage page) {
    co_return co_await store_.resources().list(std::move(page));
}

Task<Result<boost::json::object>> Resources::export_documents(std::string kind, std::string set) {
    boost::json::array documents;
    for (const auto* each : schema::all_kinds()) {
        if (!kind.empty() && each->name != kind && each->plural != kind)
            continue;
        store::ResourcePage page;
        page.kind = each->name;
        page.set = set;
        MAIL_CO_TRY(const auto found, co_await store_.resources().list(std::move(page)));
        for (const auto& row : found) {
            boost::system::error_code error;
            const auto spec = boost::json::parse(row.spec, error);
            if (error || !spec.is_object())
                continue;
            boost::json::object document;
            document["kind"] = row.kind;
            document["name"] = row.name;
            document["spec"] = schema::redact(*each, spec.get_object());
            documents.push_back(std::move(document));
        }
    }
    boost::json::object out;
    out["documents"] = std::move(documents);
    co_return out;
}

Task<Result<boost::json::object>> Resources::history(std::size_t limit) {
    MAIL_CO_TRY(const auto entries, co_await store_.resources().history(limit));
    boost::json::array items;
    for (const auto& entry : entries) {
        boost::json::object item;
        item["number"] = entry.number;
        item["revision"] = entry.revision == 0 ? boost::json::value(nullptr) : boost::json::value(entry.revision);
        item["at"] = format_rfc3339(entry.at);
        item["actor"] = entry.actor;
        item["set"] = entry.set;
        item["summary"] = entry.summary;
        boost::system::error_code error;
        item["operations"] = boost::json::parse(entry.operations.empty() ? "[]" : entry.operations, error);
        items.push_back(std::move(item));
    }
    boost::json::object out;
    out["items"] = std::move(items);
    co_return out;
}

boost::json::array issues_json(const schema::Issues& issues) {
    boost::json::array out;
    for (const auto& issue : issues) {
        boost::json::object item;
        item["kind"] = issue.kind;
        item["name"] = issue.name;
        item["path"] = issue.path;
        item["code"] = face_of(issue.code).name;
        item["message"] = issue.message;
        item["hint"] = issue.hint;
        item["severity"] = issue.severity == schema::Issue::Severity::error ? "error" : "warning";
        item["at_key"] = issue.at_key;
        out.push_back(std::move(item));
    }
    return out;
}

} // namespace mail::admin
