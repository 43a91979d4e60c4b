#include "common/schema/view.hpp"

#include "common/mail/address.hpp"
#include "common/schema/json.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <tuple>

namespace mail::schema {

std::vector<std::string> addresses_of(const Kind& kind, std::string_view name,
                                      const boost::json::object& spec) {
    if (kind.addresses == nullptr)
        return {};
    Issues ignored;
    const AnyObject object = decode(kind, name, spec, ignored, DecodeOptions{true, false});
    return kind.addresses(object.data());
}

Keeping keeping_of(const Kind& kind, std::string_view name, const boost::json::object& spec) {
    if (kind.keeping == nullptr)
        return {};
    Issues ignored;
    const AnyObject object = decode(kind, name, spec, ignored, DecodeOptions{true, false});
    return kind.keeping(object.data());
}

namespace {

using Name = std::pair<std::string, std::string>;

Name pair_of(std::string_view kind, std::string_view name) {
    return {std::string(kind), std::string(name)};
}

std::vector<std::string> addresses_of(const Current& object, Kinds kinds) {
    const Kind* kind = find_kind(object.kind, kinds);
    return kind != nullptr ? addresses_of(*kind, object.name, *object.spec) : std::vector<std::string>{};
}

} // namespace

void MemoryView::put(Current object) {
    remove(object.kind, object.name);
    for (auto& key : addresses_of(object, kinds_))
        addresses_.emplace(std::move(key), AddressOwner{object.kind, object.name});
    auto name = pair_of(object.kind, object.name);
    objects_.emplace(std::move(name), std::move(object));
}

void MemoryView::remove(std::string_view kind, std::string_view name) {
    ++revision_;
    const auto found = objects_.find(pair_of(kind, name));
    if (found == objects_.end())
        return;
    const AddressOwner owner{found->second.kind, found->second.name};
    for (const auto& key : addresses_of(found->second, kinds_))
        if (const auto entry = addresses_.find(key); entry != addresses_.end() && entry->second == owner)
            addresses_.erase(entry);
    objects_.erase(found);
}

std::optional<Current> MemoryView::find(std::string_view kind, std::string_view name) const {
    const auto found = objects_.find(pair_of(kind, name));
    return found != objects_.end() ? std::optional(found->second) : std::nullopt;
}

std::optional<AddressOwner> MemoryView::find_address(std::string_view key) const {
    const auto found = addresses_.find(std::string(key));
    return found != addresses_.end() ? std::optional(found->second) : std::nullopt;
}

void MemoryView::each(std::string_view kind, const std::function<bool(const Current&)>& visit) const {
    for (auto i = objects_.lower_bound(pair_of(kind, "")); i != objects_.end() && i->first.first == kind; ++i)
        if (!visit(i->second))
            return;
}

void OverlayView::put(Current object) {
    remove(object.kind, object.name);
    for (auto& key : addresses_of(object, kinds_))
        addresses_[std::move(key)].push_back({object.kind, object.name});
    const auto name = pair_of(object.kind, object.name);
    changes_[name] = std::move(object);
}

void OverlayView::remove(std::string_view kind, std::string_view name) {
    auto& slot = changes_[pair_of(kind, name)];
    if (slot)
        for (const auto& key : addresses_of(*slot, kinds_))
            std::erase(addresses_[key], AddressOwner{slot->kind, slot->name});
    slot.reset();
}

std::optional<Current> OverlayView::find(std::string_view kind, std::string_view name) const {
    const auto found = changes_.find(pair_of(kind, name));
    return found != changes_.end() ? found->second : base_.find(kind, name);
}

std::vector<AddressOwner> OverlayView::owners(std::string_view key) const {
    std::vector<AddressOwner> out;
    if (const auto found = addresses_.find(std::string(key)); found != addresses_.end())
        out = found->second;
    if (auto owner = base_.find_address(key); owner && !is_changed(owner->kind, owner->name))
        out.push_back(std::move(*owner));
    std::sort(out.begin(), out.end(), [](const AddressOwner& a, const AddressOwner& b) {
        return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
    });
    return out;
}

std::optional<AddressOwner> OverlayView::find_address(std::string_view key) const {
    auto all = owners(key);
    return all.empty() ? std::nullopt : std::optional(std::move(all.front()));
}

bool OverlayView::is_changed(std::string_view kind, std::string_view name) const {
    return changes_.contains(pair_of(kind, name));
}

void OverlayView::each(std::string_view kind, const std::function<bool(const Current&)>& visit) const {
    auto change = changes_.lower_bound(pair_of(kind, ""));
    bool go_on = true;
    // Changed objects that stand before `limit` by name; null: all that are left.
    const auto catch_up = [&](const std::string* limit) {
        for (; go_on && change != changes_.end() && change->first.first == kind &&
               (limit == nullptr || change->first.second < *limit);
             ++change)
            if (change->second)
                go_on = visit(*change->second);
    };
    base_.each(kind, [&](const Current& object) {
        catch_up(&object.name);
        if (go_on && !is_changed(kind, object.name))
            go_on = visit(object);
        return go_on;
    });
    if (go_on)
        catch_up(nullptr);
}

void check_known(Issues& issues, std::string_view path, const std::vector<std::string>& addresses,
                 const ResourceView& whole) {
    for (const auto& text : addresses)
        if (const auto address = parse_address(text); address && !whole.find_address(address_key(*address)))
            report(issues, path, "nobody here has the address " + text);
}

} // namespace mail::schema
