// YamlTree: a YAML text as a compact tree with positions, built from yaml-cpp's events, never from its nodes.
// Aliases stay references; what they expand to is counted as the tree is built, so a bomb costs nothing.
// Internal to common/schema. Guarantees about a tree without errors: mappings have unique plain keys, no
// tags, and every document expands to at most limit::yaml_depth levels, limit::yaml_nodes nodes and
// limit::yaml_bytes of text.
#pragma once

#include "common/schema/issue.hpp"

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail::schema {

class YamlTree {
  public:
    using Index = std::uint32_t;
    static constexpr Index none = UINT32_MAX;
    enum class Type : std::uint8_t { null, scalar, sequence, mapping, alias };

    struct Node {
        Type type = Type::null;
        std::uint8_t height = 1; ///< levels below and with this node, aliases expanded
        bool is_plain = true;    ///< a scalar without quotes
        std::uint32_t line = 0;
        std::uint32_t column = 0;
        std::uint32_t text = 0; ///< offset and size in the arena
        std::uint32_t size = 0;
        Index child = none; ///< first child; of an alias, what it stands for
        Index next = none;
        std::uint32_t weight = 1; ///< nodes after expansion, at most limit::yaml_nodes + 1
        std::uint64_t bytes = 0;  ///< text after expansion
    };

    /// Reads all documents; syntax errors and refusals go to `issues` and end the reading.
    void read(std::string_view text, Issues& issues);

    [[nodiscard]] const std::vector<Index>& documents() const noexcept { return documents_; }
    /// With aliases followed.
    [[nodiscard]] const Node& at(Index index) const noexcept;
    [[nodiscard]] Index resolve(Index index) const noexcept;
    [[nodiscard]] std::string_view text(const Node& node) const noexcept {
        return std::string_view(arena_).substr(node.text, node.size);
    }
    /// Where the node itself is written (for an alias: the alias).
    [[nodiscard]] Position position(Index index) const noexcept {
        return {nodes_[index].line, nodes_[index].column};
    }
    /// The value and its key in a mapping; none when absent.
    struct Entry {
        Index key = none;
        Index value = none;
    };
    [[nodiscard]] Entry find(Index mapping, std::string_view key) const noexcept;
    /// Children of a sequence, or keys and values in turn.
    [[nodiscard]] Index first(Index parent) const noexcept { return at(parent).child; }
    [[nodiscard]] Index next(Index child) const noexcept { return nodes_[child].next; }
    /// Scalars as strings, null as null.
    [[nodiscard]] boost::json::value to_json(Index index) const;

  private:
    class Builder;
    std::vector<Node> nodes_;
    std::string arena_;
    std::vector<Index> documents_;
};

} // namespace mail::schema
