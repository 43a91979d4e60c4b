#include "mailctl/output/printer.hpp"

#include "common/base/text.hpp"
#include "mailctl/output/json.hpp"
#include "mailctl/output/yaml.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

using Pairs = std::vector<std::pair<std::string, std::string>>;

const Column* column_named(const View& view, std::string_view name) {
    for (const Column& column : view.columns)
        if (column.name == name || column.path == name)
            return &column;
    return nullptr;
}

Failure unknown_column(const View& view, std::string_view name) {
    std::vector<std::string> names;
    for (const Column& column : view.columns)
        names.push_back(column.name);
    const std::string near = text::nearest(name, names);
    return fail(ErrorCode::usage, "unknown column " + clean(name),
                (near.empty() ? "" : "did you mean " + near + "? ") + "columns: " + text::join(names, ", "));
}

/// The columns asked for; a path below spec, status or meta is always allowed (a newer server may know it).
Result<std::vector<Column>> chosen_columns(const View& view, const PrintOptions& options) {
    std::vector<Column> chosen;
    for (const std::string& name : options.columns) {
        if (const Column* column = column_named(view, name))
            chosen.push_back(*column);
        else if (name.starts_with("spec.") || name.starts_with("status.") || name.starts_with("meta."))
            chosen.push_back({name, name, Unit::text, Shown::asked});
        else
            return unknown_column(view, name);
    }
    if (!chosen.empty())
        return chosen;
    for (const Column& column : view.columns)
        if (column.shown == Shown::always || (column.shown == Shown::wide && options.format == Format::wide))
            chosen.push_back(column);
    return chosen;
}

bool is_before(const json::value* a, const json::value* b) {
    const bool no_a = a == nullptr || a->is_null();
    const bool no_b = b == nullptr || b->is_null();
    if (no_a || no_b)
        return !no_a; // what is unknown comes last
    if (a->is_number() && b->is_number())
        return a->to_number<double>() < b->to_number<double>();
    return raw_text(a) < raw_text(b);
}

Result<json::array> sorted_items(const View& view, const json::value& page, const std::string& sort) {
    const json::value* items = at_path(page, "items");
    if (items == nullptr || !items->is_array())
        return fail(ErrorCode::internal, "the server's answer holds no items", "is this maild? check --socket");
    json::array rows = items->get_array();
    if (sort.empty())
        return rows;
    const bool descending = sort.front() == '-';
    const std::string name = descending ? sort.substr(1) : sort;
    const Column* column = column_named(view, name);
    if (column == nullptr)
        return unknown_column(view, name);
    std::stable_sort(rows.begin(), rows.end(), [&](const json::value& a, const json::value& b) {
        const json::value* left = at_path(a, column->path);
        const json::value* right = at_path(b, column->path);
        const bool known = left != nullptr && right != nullptr && !left->is_null() && !right->is_null();
        return descending && known ? is_before(right, left) : is_before(left, right);
    });
    return rows;
}

std::string name_line(const View& view, const json::value& item) {
    return view.noun + "/" + clean(raw_text(at_path(item, view.name_path))) + "\n";
}

std::string document_text(const View& view, const json::value& item) {
    if (!view.documents)
        return yaml_document(item);
    json::object document;
    for (const char* member : {"kind", "name", "spec"})
        if (const json::value* value = at_path(item, member))
            document[member] = *value;
    return yaml_document(document);
}

Unit unit_at(const View& view, std::string_view path) {
    const Column* column = column_named(view, path);
    return column == nullptr ? Unit::text : column->unit;
}

/// Every leaf of `value` as path and text; lists of words stay on one line.
void flatten(Pairs& out, const View& view, const json::value& value, const std::string& path, const std::string& label,
             const PrintOptions& options, int depth) {
    const bool is_raw = options.format == Format::tsv;
    // A secret is shown as {"keep": true}: to a person that means that there is one.
    if (!is_raw && value.is_object() && value.get_object().size() == 1 && at_path(value, "keep") != nullptr) {
        out.emplace_back(label, "(set)");
        return;
    }
    if (const json::object* object = value.if_object(); object != nullptr && !object->empty() && depth < 8) {
        for (const auto& member : *object) {
            const std::string key(member.key());
            flatten(out, view, member.value(), path.empty() ? key : path + "." + key,
                    label.empty() ? key : label + "." + key, options, depth + 1);
        }
        return;
    }
    out.emplace_back(label, is_raw ? raw_text(&value, unit_at(view, path)) : human_text(&value, unit_at(view, path), options.now));
}

std::string show_table(const View& view, const json::value& item, const PrintOptions& options) {
    Pairs pairs;
    const json::value* spec = at_path(item, "spec");
    if (spec == nullptr) {
        flatten(pairs, view, item, "", "", options, 0);
        return pairs_text(pairs, options.terminal);
    }
    std::string out = toned(clean(text_at(item, "kind")) + " " + clean(text_at(item, "name")), Tone::title,
                            options.terminal.colour) + "\n";
    flatten(pairs, view, *spec, "spec", "", options, 0);
    out += spec->is_object() && !spec->get_object().empty() ? pairs_text(pairs, options.terminal, 2) : "";
    for (const char* part : {"status", "meta"}) {
        const json::value* value = at_path(item, part);
        if (value == nullptr || !value->is_object() || value->get_object().empty())
            continue;
        pairs.clear();
        flatten(pairs, view, *value, part, "", options, 0);
        for (auto& [label, text] : pairs)
            if (const auto moment = parse_rfc3339(text))
                text += " (" + human_moment(*moment, options.now) + ")";
        out += toned(part, Tone::title, options.terminal.colour) + "\n" + pairs_text(pairs, options.terminal, 2);
    }
    return out;
}

std::string show_tsv(const View& view, const json::value& item, const PrintOptions& options) {
    Pairs pairs;
    flatten(pairs, view, item, "", "", options, 0);
    json::array rows;
    for (const auto& [path, text] : pairs)
        rows.push_back(json::object{{"field", path}, {"value", text}});
    return tsv_text({{"field", "field"}, {"value", "value"}}, rows, options.headers.value_or(false));
}

} // namespace

std::optional<Format> format_named(std::string_view name) {
    constexpr std::array<std::string_view, 8> names{"table", "wide", "json", "ndjson", "yaml", "csv", "tsv", "name"};
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
        return std::nullopt;
    return static_cast<Format>(found - names.begin());
}

Result<std::string> list_text(const View& view, const json::value& page, const PrintOptions& options) {
    MAIL_TRY(json::array items, sorted_items(view, page, options.sort));
    std::string out;
    switch (options.format) {
    case Format::json: {
        json::object whole = page.get_object();
        whole.erase("next");
        whole["items"] = std::move(items);
        return json_text(whole);
    }
    case Format::ndjson:
        for (const json::value& item : items)
            out += json_line(item);
        return out;
    case Format::yaml:
        for (const json::value& item : items)
            out += document_text(view, item);
        return out;
    case Format::name:
        for (const json::value& item : items)
            out += name_line(view, item);
        return out;
    case Format::table:
    case Format::wide:
    case Format::csv:
    case Format::tsv:
        break;
    }
    MAIL_TRY(const std::vector<Column> columns, chosen_columns(view, options));
    if (options.format == Format::tsv)
        return tsv_text(columns, items, options.headers.value_or(false));
    if (options.format == Format::csv)
        return csv_text(columns, items, options.headers.value_or(true));
    TableOptions table;
    table.headers = options.headers.value_or(true);
    table.fit = options.format == Format::table && options.terminal.tty;
    table.terminal = options.terminal;
    table.now = options.now;
    if (items.empty())
        return std::string{};
    return table_text(columns, items, table);
}

Result<std::string> show_text(const View& view, const json::value& item, const PrintOptions& options) {
    const bool is_tabular = options.format == Format::table || options.format == Format::wide || options.format == Format::tsv;
    if (options.format == Format::csv || (is_tabular && !options.columns.empty())) {
        json::object page;
        page["items"] = json::array{item};
        return list_text(view, page, options);
    }
    switch (options.format) {
    case Format::json: return json_text(item);
    case Format::ndjson: return json_line(item);
    case Format::yaml: return document_text(view, item);
    case Format::name: return name_line(view, item);
    case Format::tsv: return show_tsv(view, item, options);
    default: return show_table(view, item, options);
    }
}

} // namespace mail::mailctl
