// Rows and columns as text: an aligned table for people, TSV and CSV for scripts.
// Called by the printer with JSON items; every cell is escaped here, so hostile names stay harmless.
#pragma once

#include "mailctl/output/style.hpp"
#include "mailctl/output/value.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <vector>

namespace mail::mailctl {

/// When a column is shown without being asked for.
enum class Shown : std::uint8_t { always, wide, asked };

struct Column {
    std::string name;            ///< what --columns and --sort call it
    std::string path;            ///< where it is in an item: "spec.quota"
    Unit unit = Unit::text;
    Shown shown = Shown::always;
};

struct TableOptions {
    bool headers = true;
    bool fit = false;            ///< shorten to the terminal's width
    Terminal terminal;
    Time now{};
};

/// "display_name" -> "DISPLAY NAME".
[[nodiscard]] std::string heading_of(const Column& column);
[[nodiscard]] std::string table_text(const std::vector<Column>& columns, const boost::json::array& items,
                                     const TableOptions& options);
/// One line per item, cells separated by tabs; tabs, newlines and backslashes in a cell become \t, \n, \\.
[[nodiscard]] std::string tsv_text(const std::vector<Column>& columns, const boost::json::array& items, bool headers);
/// RFC 4180 with LF line ends.
[[nodiscard]] std::string csv_text(const std::vector<Column>& columns, const boost::json::array& items, bool headers);
/// Two columns without heading: "quota   2 GiB", for `show` on a terminal.
[[nodiscard]] std::string pairs_text(const std::vector<std::pair<std::string, std::string>>& pairs,
                                     const Terminal& terminal, std::size_t indent = 0);

} // namespace mail::mailctl
