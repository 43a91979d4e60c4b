#include "mailctl/output/table.hpp"

#include "common/base/text.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace mail::mailctl {
namespace {

using Row = std::vector<std::string>;

constexpr std::size_t gap = 2;
constexpr std::size_t least_column = 6; ///< no column is shortened below this
constexpr std::size_t least_last = 16;  ///< the last column, often a sentence, gives way first down to this

bool is_right(const Column& column) {
    return column.unit == Unit::number || column.unit == Unit::bytes || column.unit == Unit::seconds;
}

/// Shortens the last column, then the widest ones; the first column, which names the row, keeps its width.
void fit(std::vector<std::size_t>& widths, std::size_t room) {
    std::size_t total = gap * (widths.size() - 1);
    for (const std::size_t width : widths)
        total += width;
    if (std::size_t& last = widths.back(); widths.size() > 1 && total > room && last > least_last) {
        const std::size_t less = std::min(last - least_last, total - room);
        last -= less;
        total -= less;
    }
    while (total > room) {
        std::size_t widest = 0;
        for (std::size_t i = 1; i < widths.size(); ++i)
            if (widths[i] > least_column && (widest == 0 || widths[i] > widths[widest]))
                widest = i;
        if (widest == 0)
            return;
        --widths[widest];
        --total;
    }
}

void append_row(std::string& out, const Row& row, const std::vector<Column>& columns,
                const std::vector<std::size_t>& widths, Tone tone, bool colour) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0)
            line.append(gap, ' ');
        const std::string cell = clipped(row[i], widths[i]);
        line += i + 1 == row.size() && !is_right(columns[i]) ? cell : padded(cell, widths[i], is_right(columns[i]));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += toned(line, tone, colour);
    out += '\n';
}

std::string tsv_cell(std::string_view text) {
    std::string doubled;
    for (const char c : text) {
        if (c == '\\')
            doubled += '\\';
        doubled += c;
    }
    return clean(doubled);
}

std::string csv_cell(std::string_view text) {
    const std::string cell = clean(text);
    if (cell.find_first_of(",\"") == std::string::npos && (cell.empty() || (cell.front() != ' ' && cell.back() != ' ')))
        return cell;
    std::string out = "\"";
    for (const char c : cell)
        out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

template <class Cell>
std::string separated(const std::vector<Column>& columns, const boost::json::array& items, bool headers,
                      char separator, Cell cell) {
    std::string out;
    const auto line = [&](auto text_of) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (i > 0)
                out += separator;
            out += cell(text_of(columns[i]));
        }
        out += '\n';
    };
    if (headers)
        line([](const Column& column) { return column.name; });
    for (const boost::json::value& item : items)
        line([&](const Column& column) { return raw_text(at_path(item, column.path), column.unit); });
    return out;
}

} // namespace

std::string heading_of(const Column& column) {
    std::string title = text::to_upper(column.name);
    std::replace(title.begin(), title.end(), '_', ' ');
    return title;
}

std::string table_text(const std::vector<Column>& columns, const boost::json::array& items,
                       const TableOptions& options) {
    if (columns.empty())
        return {};
    std::vector<Row> rows;
    rows.reserve(items.size() + 1);
    Row head;
    for (const Column& column : columns)
        head.push_back(heading_of(column));
    for (const boost::json::value& item : items) {
        Row row;
        for (const Column& column : columns)
            row.push_back(clean(human_text(at_path(item, column.path), column.unit, options.now)));
        rows.push_back(std::move(row));
    }
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        std::size_t width = options.headers ? display_width(head[i]) : 1;
        for (const Row& row : rows)
            width = std::max(width, display_width(row[i]));
        widths.push_back(width);
    }
    if (options.fit)
        fit(widths, options.terminal.width);
    std::string out;
    if (options.headers)
        append_row(out, head, columns, widths, Tone::title, options.terminal.colour);
    for (const Row& row : rows)
        append_row(out, row, columns, widths, Tone::plain, false);
    return out;
}

std::string tsv_text(const std::vector<Column>& columns, const boost::json::array& items, bool headers) {
    return separated(columns, items, headers, '\t', tsv_cell);
}

std::string csv_text(const std::vector<Column>& columns, const boost::json::array& items, bool headers) {
    return separated(columns, items, headers, ',', csv_cell);
}

std::string pairs_text(const std::vector<std::pair<std::string, std::string>>& pairs, const Terminal& terminal,
                       std::size_t indent) {
    std::size_t widest = 0;
    for (const auto& [label, value] : pairs)
        widest = std::max(widest, display_width(label));
    std::string out;
    for (const auto& [label, value] : pairs) {
        out.append(indent, ' ');
        out += toned(padded(clean(label), widest), Tone::faint, terminal.colour);
        out.append(gap, ' ');
        const std::string text = clean(value);
        const std::size_t from = indent + widest + gap;
        out += terminal.tty && terminal.width > from + 20 ? wrapped(text, terminal.width, from) : text;
        out += '\n';
    }
    return out;
}

} // namespace mail::mailctl
