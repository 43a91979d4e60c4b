#include "common/schema/validate.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/address.hpp"
#include "common/schema/json.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <unordered_map>

namespace mail::schema {

namespace {

using RefersBy = Field::RefersBy;
constexpr std::size_t most_candidates = 20000; ///< names looked at for "did you mean"
constexpr std::size_t most_suggestions = 20;   ///< issues that get one: the rest is the same mistake

/// The texts of a text or list field.
std::vector<std::string> texts_of(const Field& field, const void* owner) {
    const void* member = field.peek(owner);
    if (member == nullptr)
        return {};
    if (field.type == FieldType::text_list)
        return *static_cast<const std::vector<std::string>*>(member);
    if (field.type == FieldType::text && !static_cast<const std::string*>(member)->empty())
        return {*static_cast<const std::string*>(member)};
    return {};
}

/// Calls `visit(field, path, texts)` for every field that refers to something, objects within included.
template <class F>
void each_reference(std::span<const Field> fields, const void* owner, const std::string& prefix, F&& visit) {
    for (const auto& field : fields) {
        const std::string path = field.is_key ? std::string{} : prefix + std::string(field.name);
        if (field.type == FieldType::object) {
            if (const void* member = field.peek(owner))
                each_reference(field.fields(), member, path + ".", visit);
        } else if (!field.reference.empty() && (field.refers_when == nullptr || field.refers_when(owner))) {
            visit(field, path, texts_of(field, owner));
        }
    }
}

struct Target {
    std::string key;
    std::string domain;
    std::string base_key; ///< without +detail
};
std::optional<Target> target_of(const std::string& text) {
    const auto address = parse_address(text);
    if (!address)
        return std::nullopt;
    auto domain = domain_key(address->domain);
    if (!domain)
        return std::nullopt;
    return Target{address_key(*address), std::move(*domain), address_key(without_detail(*address))};
}

struct Checker {
    const Kind& kind;
    const Current& object;
    const OverlayView& whole;
    Kinds kinds;
    Issues found{};

    std::string suggestion(std::string_view of_kind, const std::string& name) {
        if (found.size() >= most_suggestions)
            return {};
        const std::string near = nearest_name(whole, of_kind, name);
        if (!near.empty())
            return "did you mean " + near + "?";
        return "create it with: mailctl " + std::string(of_kind) + " create " + name;
    }

    void missing(const std::string& path, std::string_view of_kind, const std::string& name) {
        report(found, path, std::string(of_kind) + " " + name + " does not exist", suggestion(of_kind, name));
    }

    void recipient(const std::string& path, const std::string& text) {
        const auto target = target_of(text);
        if (!target)
            return; // an address literal is never local
        const auto domain = whole.find("domain", target->domain);
        if (!domain || whole.find_address(target->key) || whole.find_address(target->base_key))
            return;
        // Specs leave defaults out: each of these says that an address may be somebody's without being an object.
        for (const std::string_view field : {"catch_all", "type", "alias_of", "rewrite", "drop"})
            if (path != field && domain->spec->contains(field))
                return;
        std::string hint;
        if (found.size() < most_suggestions) {
            for (const Kind* other : kinds)
                if (hint.empty() && other->owns_address)
                    hint = nearest_name(whole, other->name, target->key);
        }
        report(found, path, "nobody has the address " + text,
               hint.empty() ? std::string{} : "did you mean " + hint + "?");
    }

    void references(const void* data) {
        each_reference(
            kind.fields, data, {},
            [&](const Field& field, const std::string& path, const std::vector<std::string>& texts) {
                for (const auto& text : texts) {
                    if (field.refers_by == RefersBy::recipient) {
                        recipient(path, text);
                    } else if (field.refers_by == RefersBy::domain) {
                        const auto target = target_of(text);
                        if (target && !whole.find(field.reference, target->domain))
                            missing(path, field.reference, target->domain);
                    } else if (!whole.find(field.reference, text)) {
                        missing(path, field.reference, text);
                    }
                }
            });
    }

    /// A conflict is told once: at the later of two objects the plan changes, or at the one it changes.
    void addresses(const void* data) {
        if (kind.addresses == nullptr)
            return;
        for (const auto& key : kind.addresses(data)) {
            for (const auto& owner : whole.owners(key)) {
                if (owner.kind == object.kind && owner.name == object.name)
                    continue;
                const bool is_later = std::tie(owner.kind, owner.name) > std::tie(object.kind, object.name);
                if (is_later && whole.is_changed(owner.kind, owner.name))
                    continue;
                Issue& issue = report(found, key == object.name ? "" : "aliases",
                                      key + " belongs to " + owner.kind + " " + owner.name + " already");
                issue.code = ErrorCode::conflict;
                break;
            }
        }
    }

    /// The owners a forwarding object hands its mail to.
    std::vector<AddressOwner> followers(const AddressOwner& owner) {
        std::vector<AddressOwner> out;
        const Kind* of = find_kind(owner.kind, kinds);
        const auto current = of != nullptr && of->owns_address && !of->has_account
                                 ? whole.find(owner.kind, owner.name)
                                 : std::nullopt;
        if (!current)
            return out;
        Issues ignored;
        const AnyObject decoded =
            decode(*of, owner.name, *current->spec, ignored, DecodeOptions{true, false});
        each_reference(of->fields, decoded.data(), {},
                       [&](const Field& field, const std::string&, const std::vector<std::string>& texts) {
                           if (field.refers_by != RefersBy::recipient)
                               return;
                           for (const auto& text : texts)
                               if (const auto target = target_of(text))
                                   if (auto next = whole.find_address(target->key))
                                       out.push_back(std::move(*next));
                       });
        return out;
    }

    /// Breadth first, so that every object is looked at once however many ways lead to it.
    void loops() {
        if (!kind.owns_address || kind.has_account)
            return;
        const AddressOwner self{object.kind, object.name};
        std::unordered_map<std::string, std::string> via; // name -> who led there
        std::vector<AddressOwner> level{self};
        for (std::int64_t step = 0; !level.empty(); ++step) {
            if (step > limit::alias_depth) {
                report(found, {},
                       "mail to it is handed on more than " + std::to_string(limit::alias_depth) + " times");
                return;
            }
            std::vector<AddressOwner> next;
            for (const auto& owner : level) {
                for (auto& follower : followers(owner)) {
                    if (follower == self) {
                        tell_loop(owner, via);
                        return;
                    }
                    if (via.size() < static_cast<std::size_t>(limit::expanded_recipients) &&
                        via.emplace(follower.name, owner.name).second)
                        next.push_back(std::move(follower));
                }
            }
            level = std::move(next);
        }
    }

    void tell_loop(const AddressOwner& last, const std::unordered_map<std::string, std::string>& via) {
        std::string way;
        std::string at = last.name;
        for (int i = 0; i < 20 && at != object.name; ++i) {
            way = way.empty() ? at : at + ", " + way;
            const auto found_via = via.find(at);
            if (found_via == via.end())
                break;
            at = found_via->second;
        }
        report(found, {}, way.empty() ? "leads to itself" : "leads back to itself through " + way);
    }

    void hand_over(Issues& issues) {
        for (auto& issue : found) {
            issue.kind = object.kind;
            issue.name = object.name;
            issues.push_back(std::move(issue));
        }
    }
};

void check_parts(const Kind& kind, const Current& object, const OverlayView& whole, Issues& issues,
                 Kinds kinds, bool references) {
    Issues ignored;
    const AnyObject decoded = decode(kind, object.name, *object.spec, ignored, DecodeOptions{true, false});
    Checker checker{kind, object, whole, kinds};
    if (references)
        checker.references(decoded.data());
    checker.addresses(decoded.data());
    checker.loops();
    if (kind.check_whole != nullptr)
        kind.check_whole(decoded.data(), object.name, whole, checker.found);
    checker.hand_over(issues);
}

} // namespace

std::string nearest_name(const ResourceView& view, std::string_view kind, std::string_view name) {
    std::vector<std::string> names;
    view.each(kind, [&](const Current& object) {
        names.push_back(object.name);
        return names.size() < most_candidates;
    });
    return text::nearest(name.substr(0, 320), names);
}

void check_object(const Kind& kind, const Current& object, const OverlayView& whole, Issues& issues,
                  Kinds kinds) {
    check_parts(kind, object, whole, issues, kinds, true);
}

namespace {

bool refers(std::span<const Field> fields, RefersBy how, std::string_view kind) {
    return std::any_of(fields.begin(), fields.end(), [&](const Field& field) {
        return (field.refers_by == how && field.reference == kind) || refers(field.fields(), how, kind);
    });
}

struct RemovalChecker {
    const Removals& removed;
    const OverlayView& whole;
    Issues& issues;

    [[nodiscard]] bool concerns(const Kind& kind) const {
        const bool by_name =
            std::any_of(removed.objects.begin(), removed.objects.end(), [&](const auto& gone) {
                return refers(kind.fields, RefersBy::name, gone.first) ||
                       refers(kind.fields, RefersBy::domain, gone.first);
            });
        return by_name || (!removed.addresses.empty() && refers(kind.fields, RefersBy::recipient, "mailbox"));
    }

    void object(const Kind& kind, const Current& current) {
        Issues ignored;
        const AnyObject decoded =
            decode(kind, current.name, *current.spec, ignored, DecodeOptions{true, false});
        each_reference(
            kind.fields, decoded.data(), {},
            [&](const Field& field, const std::string& path, const std::vector<std::string>& texts) {
                for (const auto& text : texts)
                    reference(field, path, text, current);
            });
    }

    void reference(const Field& field, const std::string& path, const std::string& text,
                   const Current& current) {
        const auto referrer = current.kind + " " + current.name;
        if (field.refers_by == RefersBy::recipient) {
            const auto target = target_of(text);
            if (!target || !removed.addresses.contains(target->key))
                return;
            Issue& issue = warn(issues, path, "names " + text + ", which nobody has any more");
            issue.kind = current.kind;
            issue.name = current.name;
            return;
        }
        std::string name = text;
        if (field.refers_by == RefersBy::domain) {
            const auto target = target_of(text);
            name = target ? target->domain : std::string{};
        }
        if (!removed.objects.contains({std::string(field.reference), name}))
            return;
        Issue& issue = report(issues, {}, "is still needed by " + referrer, "change or delete that first");
        issue.code = ErrorCode::conflict;
        issue.kind = field.reference;
        issue.name = name;
    }
};

} // namespace

void check_removals(const Removals& removed, const OverlayView& whole, Issues& issues, Kinds kinds) {
    RemovalChecker checker{removed, whole, issues};
    constexpr std::size_t enough = 100;
    for (const Kind* kind : kinds) {
        if (!checker.concerns(*kind))
            continue;
        whole.each(kind->name, [&](const Current& current) {
            if (!whole.is_changed(current.kind, current.name))
                checker.object(*kind, current);
            return issues.size() < enough;
        });
    }
}

void validate_documents(std::span<const Document> documents, Issues& issues, Kinds kinds) {
    check_duplicates(documents, issues);
    const MemoryView nothing(kinds);
    OverlayView whole(nothing, kinds);
    for (const auto& document : documents)
        whole.put({document.kind, document.name, document.spec, {}});
    Issues found;
    for (const auto& document : documents)
        if (const Kind* kind = find_kind(document.kind, kinds))
            check_parts(*kind, {document.kind, document.name, document.spec, {}}, whole, found, kinds, false);
    locate(found, documents);
    issues.insert(issues.end(), found.begin(), found.end());
}

} // namespace mail::schema
