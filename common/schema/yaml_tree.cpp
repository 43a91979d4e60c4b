#include "common/schema/yaml_tree.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <unordered_map>

namespace mail::schema {

namespace {

/// Ends the reading; caught in YamlTree::read. Thrown through yaml-cpp, which has no other way to stop.
struct Refused {};

/// yaml-cpp wants a stream; this one reads the text where it is.
class ViewBuffer final : public std::streambuf {
  public:
    explicit ViewBuffer(std::string_view text) {
        char* begin = const_cast<char*>(text.data()); // never written: setg wants it so
        setg(begin, begin, begin + text.size());
    }
};

constexpr std::uint32_t node_cap = static_cast<std::uint32_t>(limit::yaml_nodes) + 1;

} // namespace

class YamlTree::Builder final : public YAML::EventHandler {
  public:
    Builder(YamlTree& tree, std::string_view source, Issues& issues)
        : tree_(tree), source_(source), issues_(issues) {}

    void OnDocumentStart(const YAML::Mark&) override {
        anchors_.clear();
        open_.clear();
    }
    void OnDocumentEnd() override {}
    [[nodiscard]] bool is_open() const noexcept { return !open_.empty(); }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        // yaml-cpp drops the tag of an empty value.
        if (mark.pos >= 0 && static_cast<std::size_t>(mark.pos) < source_.size() &&
            source_[static_cast<std::size_t>(mark.pos)] == '!')
            refuse_tag(mark);
        close(add(Type::null, mark, anchor));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) // still open: it would contain itself
            stop(mark, "an alias stands inside what it stands for");
        const Index index = add(Type::alias, mark, YAML::NullAnchor);
        Node& node = tree_.nodes_[index];
        const Node& target = tree_.nodes_[found->second];
        node.child = found->second;
        node.weight = target.weight;
        node.bytes = target.bytes;
        node.height = target.height;
        close(index);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        check_tag(mark, tag);
        const Index index = add(Type::scalar, mark, anchor);
        Node& node = tree_.nodes_[index];
        node.is_plain = tag == "?";
        node.text = static_cast<std::uint32_t>(tree_.arena_.size());
        node.size = static_cast<std::uint32_t>(value.size());
        node.bytes = value.size();
        tree_.arena_ += value;
        close(index);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        check_tag(mark, tag);
        enter(Type::sequence, mark, anchor);
    }
    void OnSequenceEnd() override { leave(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        check_tag(mark, tag);
        enter(Type::mapping, mark, anchor);
    }
    void OnMapEnd() override {
        check_keys(open_.back().index);
        leave();
    }

    Issue& fault(const YAML::Mark& mark, std::string message, std::string hint = {}) {
        return fault(Position{static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(mark.column) + 1},
                     std::move(message), std::move(hint));
    }
    Issue& fault(Position at, std::string message, std::string hint = {}) {
        if (issues_.size() >= most_issues)
            throw Refused{};
        Issue& issue = report(issues_, {}, std::move(message), std::move(hint));
        issue.at = at;
        return issue;
    }

  private:
    struct Open {
        Index index;
        Index last; ///< last child so far
        YAML::anchor_t anchor;
    };

    [[noreturn]] void stop(const YAML::Mark& mark, std::string message) {
        fault(mark, std::move(message)).code = ErrorCode::invalid;
        throw Refused{};
    }
    void refuse_tag(const YAML::Mark& mark) {
        fault(mark, "tags are refused", "the kind of resource decides the type");
    }
    void check_tag(const YAML::Mark& mark, const std::string& tag) {
        if (tag != "?" && tag != "!" && !tag.empty())
            refuse_tag(mark);
    }

    Index add(Type type, const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (tree_.nodes_.size() >= node_cap - 1)
            stop(mark, "more than " + std::to_string(limit::yaml_nodes) + " values in one file");
        // yaml-cpp goes on for ever over empty values where a document ends inside braces. No text has that many values.
        if (tree_.nodes_.size() > 4 * source_.size() + 16)
            stop(mark, "cannot be read as YAML: the braces are not closed");
        const Index index = static_cast<Index>(tree_.nodes_.size());
        Node node;
        node.type = type;
        node.line = static_cast<std::uint32_t>(mark.line) + 1;
        node.column = static_cast<std::uint32_t>(mark.column) + 1;
        tree_.nodes_.push_back(node);
        if (open_.empty())
            tree_.documents_.push_back(index);
        else if (open_.back().last == none)
            tree_.nodes_[open_.back().index].child = index;
        else
            tree_.nodes_[open_.back().last].next = index;
        if (!open_.empty())
            open_.back().last = index;
        if (anchor != YAML::NullAnchor && type != Type::sequence && type != Type::mapping)
            anchors_[anchor] = index;
        return index;
    }

    void enter(Type type, const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (open_.size() >= static_cast<std::size_t>(limit::yaml_depth))
            stop(mark, "nested deeper than " + std::to_string(limit::yaml_depth) + " levels");
        const Index index = add(type, mark, anchor);
        open_.push_back({index, none, anchor});
    }
    void leave() {
        const Open done = open_.back();
        open_.pop_back();
        if (done.anchor != YAML::NullAnchor)
            anchors_[done.anchor] = done.index;
        close(done.index);
    }

    /// Adds a finished node to the sums of its parent, or to those of the file.
    void close(Index index) {
        const Node& node = tree_.nodes_[index];
        const YAML::Mark mark = mark_of(node);
        if (open_.size() + node.height > static_cast<std::size_t>(limit::yaml_depth) + 1)
            stop(mark,
                 "nested deeper than " + std::to_string(limit::yaml_depth) + " levels with its aliases");
        if (open_.empty()) {
            weight_ += node.weight;
            bytes_ += node.bytes;
        } else {
            Node& parent = tree_.nodes_[open_.back().index];
            parent.weight = std::min(node_cap, parent.weight + node.weight);
            parent.bytes += node.bytes;
            parent.height = std::max(parent.height, static_cast<std::uint8_t>(node.height + 1));
        }
        const Node& sum = open_.empty() ? node : tree_.nodes_[open_.back().index];
        if (sum.weight >= node_cap || weight_ >= node_cap)
            stop(mark, "aliases expand to more than " + std::to_string(limit::yaml_nodes) + " values");
        if (sum.bytes > static_cast<std::uint64_t>(limit::yaml_bytes) ||
            bytes_ > static_cast<std::uint64_t>(limit::yaml_bytes))
            stop(mark, "aliases expand to more than " + std::to_string(limit::yaml_bytes) + " bytes");
    }

    [[nodiscard]] static YAML::Mark mark_of(const Node& node) {
        YAML::Mark mark;
        mark.line = static_cast<int>(node.line) - 1;
        mark.column = static_cast<int>(node.column) - 1;
        return mark;
    }

    void check_keys(Index mapping) {
        std::unordered_map<std::string_view, Index> seen;
        bool is_key = true;
        for (Index i = tree_.nodes_[mapping].child; i != none; i = tree_.nodes_[i].next, is_key = !is_key) {
            if (!is_key)
                continue;
            const Node& node = tree_.nodes_[i];
            const auto key = tree_.text(node);
            if (node.type != Type::scalar || node.size > 1024) {
                fault(tree_.position(i), "a key must be a plain text");
            } else if (node.is_plain && key == "<<") {
                fault(tree_.position(i), "merge keys are refused", "use defaults");
            } else if (const auto [first, fresh] = seen.emplace(key, i); !fresh) {
                fault(tree_.position(i), "\"" + text::escape(key, 64) + "\" is written twice",
                      "first in line " + std::to_string(tree_.nodes_[first->second].line));
            }
        }
    }

    YamlTree& tree_;
    std::string_view source_;
    Issues& issues_;
    std::vector<Open> open_;
    std::unordered_map<YAML::anchor_t, Index> anchors_;
    std::uint64_t weight_ = 0;
    std::uint64_t bytes_ = 0;
};

namespace {

/// Of the first byte that makes the text no text; 0 when there is none.
unsigned line_of_bad_byte(std::string_view text) {
    if (text.find('\0') == std::string_view::npos && text::is_utf8(text))
        return 0;
    unsigned line = 1;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
        const auto one = text.substr(0, end);
        if (one.find('\0') != std::string_view::npos || !text::is_utf8(one))
            break;
        text.remove_prefix(end);
        ++line;
    }
    return line;
}

/// The most common reason for a text that cannot be read, which the parser's message does not tell.
std::string tab_hint(std::string_view text, int line) {
    for (; line > 0 && !text.empty(); --line)
        text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    const auto indent = text.substr(0, std::min(text.find_first_not_of(" \t"), text.size()));
    return indent.find('\t') != std::string_view::npos ? "indent with spaces, not with tabs" : std::string{};
}

} // namespace

void YamlTree::read(std::string_view text, Issues& issues) {
    if (text.starts_with("\xef\xbb\xbf"))
        text.remove_prefix(3);
    Builder builder(*this, text, issues);
    if (text.size() > static_cast<std::size_t>(limit::yaml_bytes)) {
        builder
            .fault(Position{1, 1}, "the file is larger than " + std::to_string(limit::yaml_bytes) + " bytes")
            .code = ErrorCode::too_large;
        return;
    }
    if (const unsigned line = line_of_bad_byte(text); line != 0) {
        builder.fault(Position{line, 1}, "the line is not UTF-8 text");
        return;
    }
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const Refused&) {
    } catch (const YAML::Exception& error) {
        if (issues.size() < most_issues)
            builder.fault(error.mark, "cannot be read as YAML: " + error.msg,
                          tab_hint(text, error.mark.line));
    }
    // What broke off is not whole.
    if (builder.is_open() && !documents_.empty())
        documents_.pop_back();
}

YamlTree::Index YamlTree::resolve(Index index) const noexcept {
    while (index != none && nodes_[index].type == Type::alias)
        index = nodes_[index].child;
    return index;
}

const YamlTree::Node& YamlTree::at(Index index) const noexcept {
    return nodes_[resolve(index)];
}

YamlTree::Entry YamlTree::find(Index mapping, std::string_view key) const noexcept {
    if (mapping == none || at(mapping).type != Type::mapping)
        return {};
    for (Index i = first(mapping); i != none && next(i) != none; i = next(next(i)))
        if (nodes_[i].type == Type::scalar && text(nodes_[i]) == key)
            return {i, next(i)};
    return {};
}

boost::json::value YamlTree::to_json(Index index) const {
    const Node& node = at(index);
    switch (node.type) {
    case Type::scalar: {
        const auto s = text(node);
        return boost::json::string(s.data(), s.size());
    }
    case Type::sequence: {
        boost::json::array out;
        for (Index i = node.child; i != none; i = next(i))
            out.push_back(to_json(i));
        return out;
    }
    case Type::mapping: {
        boost::json::object out;
        for (Index i = node.child; i != none && next(i) != none; i = next(next(i))) {
            const auto key = text(at(i));
            out.emplace(boost::json::string_view{key.data(), key.size()}, to_json(next(i)));
        }
        return out;
    }
    default:
        return nullptr;
    }
}

} // namespace mail::schema
