// The one way from the server's JSON to what mailctl prints: lists and single objects in every -o format.
// Called by all commands; returns text, writes nothing. JSON and NDJSON pass on what the server said; tables, TSV and
// CSV show columns; YAML is what `mailctl apply` reads. Errors: usage (an unknown column, with the known ones).
#pragma once

#include "common/base/result.hpp"
#include "mailctl/output/table.hpp"

#include <boost/json/fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace mail::mailctl {

enum class Format : std::uint8_t { table, wide, json, ndjson, yaml, csv, tsv, name };

inline constexpr std::string_view format_names = "table, wide, json, ndjson, yaml, csv, tsv, name";
[[nodiscard]] std::optional<Format> format_named(std::string_view name);

/// What is shown: the columns of a list and how an item is named.
struct View {
    std::string noun;                ///< "mailbox": -o name prints mailbox/ann@example.org
    std::string name_path = "name";
    std::vector<Column> columns;
    bool documents = false;          ///< -o yaml prints kind, name and spec as `apply` reads them
};

struct PrintOptions {
    Format format = Format::table;
    std::optional<bool> headers;     ///< unset: yes for tables and CSV, no for TSV
    std::vector<std::string> columns; ///< of --columns; empty: those of the view
    std::string sort;                ///< column, "-column" for descending
    Terminal terminal;
    Time now{};
};

/// `page` is {"items": [...]}.
[[nodiscard]] Result<std::string> list_text(const View& view, const boost::json::value& page,
                                            const PrintOptions& options);
[[nodiscard]] Result<std::string> show_text(const View& view, const boost::json::value& item,
                                            const PrintOptions& options);

} // namespace mail::mailctl
