#include "common/schema/document.hpp"

#include "common/base/text.hpp"
#include "common/schema/json.hpp"
#include "common/schema/registry.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <map>
#include <unordered_map>

namespace mail::schema {

namespace json = boost::json;

namespace {

std::string identity(std::string_view kind, std::string_view name) {
    return std::string(kind).append(1, '/').append(name);
}

} // namespace

void locate(Issues& issues, std::span<const Document> documents) {
    std::unordered_map<std::string, const Document*> known;
    for (const auto& document : documents)
        known.emplace(identity(document.kind, document.name), &document);
    for (auto& issue : issues) {
        const auto found = known.find(identity(issue.kind, issue.name));
        if (found == known.end() || issue.at.known())
            continue;
        issue.file = found->second->file;
        if (found->second->source)
            issue.at = found->second->source->locate(issue.path, issue.at_key);
    }
}

void check_duplicates(std::span<const Document> documents, Issues& issues) {
    std::unordered_map<std::string, const Document*> seen;
    for (const auto& document : documents) {
        const auto [first, fresh] = seen.emplace(identity(document.kind, document.name), &document);
        if (fresh)
            continue;
        const auto place = [](const Document& d) {
            return d.source ? d.source->locate({}, false) : Position{};
        };
        const Position before = place(*first->second);
        Issue& issue =
            report(issues, {}, "is described twice",
                   before.known() ? "first at " + first->second->file + ":" + std::to_string(before.line)
                                  : std::string{});
        issue.kind = document.kind;
        issue.name = document.name;
        issue.file = document.file;
        issue.at = place(document);
    }
}

std::string documents_to_json(std::span<const Document> documents) {
    json::array list;
    for (const auto& document : documents)
        list.push_back(
            json::object{{"kind", document.kind}, {"name", document.name}, {"spec", *document.spec}});
    return json::serialize(json::object{{"documents", std::move(list)}});
}

namespace {

void read_document(const json::value& value, std::size_t index, ReadDocuments& out) {
    const auto fault = [&](const std::string& path, std::string message, std::string hint = {}) {
        report(out.issues, "documents[" + std::to_string(index) + "]" + path, std::move(message),
               std::move(hint));
    };
    const auto* object = value.if_object();
    if (object == nullptr)
        return fault("", "is no object");
    const auto text_of = [&](json::string_view key) -> std::string_view {
        const auto* member = object->if_contains(key);
        const auto* s = member != nullptr ? member->if_string() : nullptr;
        return s != nullptr ? std::string_view{s->data(), s->size()} : std::string_view{};
    };
    const auto kind = need_kind(text_of("kind"));
    if (!kind)
        return fault(".kind", kind.error().message, kind.error().hint);
    const auto* spec = object->if_contains("spec");
    if (spec != nullptr && !spec->is_object())
        return fault(".spec", "is no object");
    Document document;
    document.kind = (*kind)->name;
    auto canonical = (*kind)->canonical_name(text_of("name"));
    document.name = canonical ? std::move(*canonical) : std::string(text_of("name"));
    Issues found;
    document.spec = std::make_shared<const json::object>(
        normalise(**kind, document.name, spec != nullptr ? spec->get_object() : json::object{}, found));
    const bool good = !has_errors(found);
    out.issues.insert(out.issues.end(), found.begin(), found.end());
    if (good)
        out.documents.push_back(std::move(document));
}

} // namespace

ReadDocuments documents_from_json(const json::value& body) {
    ReadDocuments out;
    const auto* object = body.if_object();
    const auto* list = object != nullptr ? object->if_contains("documents") : nullptr;
    if (list == nullptr || !list->is_array()) {
        report(out.issues, "documents", "is no list",
               "send {\"documents\": [{\"kind\": ..., \"name\": ..., \"spec\": {...}}]}");
        return out;
    }
    for (std::size_t i = 0; i < list->get_array().size() && out.issues.size() < most_issues; ++i)
        read_document(list->get_array()[i], i, out);
    return out;
}

} // namespace mail::schema
