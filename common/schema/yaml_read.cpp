#include "common/base/text.hpp"
#include "common/schema/codec.hpp"
#include "common/schema/json.hpp"
#include "common/schema/yaml.hpp"
#include "common/schema/yaml_tree.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <set>
#include <tuple>

namespace mail::schema {

namespace json = boost::json;

namespace {

using Index = YamlTree::Index;

/// Positions by walking the tree when asked, so that a document of 10,000 objects carries none.
class TreeSource final : public SourceMap {
  public:
    TreeSource(std::shared_ptr<const YamlTree> tree, Index own, Index spec, Index defaults)
        : tree_(std::move(tree)), own_(own), spec_(spec), defaults_(defaults) {}

    [[nodiscard]] Position locate(std::string_view path, bool key) const override {
        for (const Index start : {spec_, defaults_}) {
            const Position found = locate_in(start, path, key);
            if (found.known())
                return found;
        }
        return tree_->position(own_);
    }

  private:
    [[nodiscard]] Position locate_in(Index at, std::string_view path, bool key) const {
        Position best;
        while (!path.empty() && at != YamlTree::none) {
            // An unknown field may hold any character: the whole rest is tried before it is cut.
            auto entry = tree_->find(at, path);
            std::string_view rest;
            if (entry.value == YamlTree::none) {
                const auto cut = std::min(path.find_first_of(".["), path.size());
                entry = tree_->find(at, path.substr(0, cut));
                rest = path.substr(cut);
            }
            if (entry.value == YamlTree::none)
                break;
            best = tree_->position(key && rest.empty() ? entry.key : entry.value);
            at = entry.value;
            while (rest.starts_with('[')) {
                const auto close = rest.find(']');
                const auto number = text::number<std::uint32_t>(rest.substr(1, close - 1));
                rest.remove_prefix(close == std::string_view::npos ? rest.size() : close + 1);
                if (tree_->at(at).type != YamlTree::Type::sequence)
                    break; // a single text taken for a list of one
                Index child = tree_->first(at);
                for (std::uint32_t i = 0; number && i < *number && child != YamlTree::none; ++i)
                    child = tree_->next(child);
                if (child == YamlTree::none)
                    return best;
                at = child;
                best = tree_->position(at);
            }
            path = rest.starts_with('.') ? rest.substr(1) : std::string_view{};
        }
        return best;
    }

    std::shared_ptr<const YamlTree> tree_;
    Index own_, spec_, defaults_;
};

class Reader {
  public:
    Reader(std::string_view file, Kinds kinds, ReadDocuments& out)
        : file_(file), kinds_(kinds), out_(out), tree_(std::make_shared<YamlTree>()) {}

    void run(std::string_view text) {
        tree_->read(text, out_.issues);
        for (auto& issue : out_.issues)
            issue.file = file_;
        for (const Index root : tree_->documents()) {
            if (out_.issues.size() >= most_issues)
                break;
            if (tree_->at(root).type != YamlTree::Type::null)
                document(root);
        }
        forget_repeats();
    }

  private:
    Issue& fault(Index at, std::string message, std::string hint = {}) {
        Issue& issue = report(out_.issues, {}, std::move(message), std::move(hint));
        issue.file = file_;
        issue.at = tree_->position(at);
        return issue;
    }

    [[nodiscard]] bool is(Index index, YamlTree::Type type) const {
        return index != YamlTree::none && tree_->at(index).type == type;
    }

    void document(Index root) {
        if (!is(root, YamlTree::Type::mapping)) {
            fault(root, "a document is a mapping with kind, name and spec");
            return;
        }
        if (!check_words(root))
            return;
        const auto kind_entry = tree_->find(root, "kind");
        if (!is(kind_entry.value, YamlTree::Type::scalar)) {
            fault(root, "kind is missing", "the first line of a document is, for example, kind: mailbox");
            return;
        }
        const auto kind = need_kind(tree_->text(tree_->at(kind_entry.value)), kinds_);
        if (!kind) {
            fault(kind_entry.value, kind.error().message, kind.error().hint);
            return;
        }
        const auto items = tree_->find(root, "items");
        const auto name = tree_->find(root, "name");
        const auto spec = tree_->find(root, "spec");
        const auto defaults = tree_->find(root, "defaults");
        if (defaults.value != YamlTree::none && !is(defaults.value, YamlTree::Type::mapping) &&
            !is(defaults.value, YamlTree::Type::null)) {
            fault(defaults.value, "defaults is a mapping of fields");
            return;
        }
        if (items.key != YamlTree::none) {
            if (name.key != YamlTree::none || spec.key != YamlTree::none)
                fault(name.key != YamlTree::none ? name.key : spec.key, "goes not together with items");
            else
                each_item(**kind, items.value, defaults.value);
            return;
        }
        single(**kind, root, name.value, spec.value, defaults.value);
    }

    /// Words of `show -o yaml` that are not the user's are passed over.
    bool check_words(Index root) {
        static const std::vector<std::string> words = {"kind", "name", "spec", "items", "defaults"};
        bool good = true;
        for (Index key = tree_->first(root); key != YamlTree::none && out_.issues.size() < most_issues;
             key = tree_->next(tree_->next(key))) {
            const auto word = tree_->text(tree_->at(key));
            if (word == "status" || word == "meta" ||
                std::find(words.begin(), words.end(), word) != words.end())
                continue;
            // Keys that are no text are told by the tree.
            if (tree_->at(key).type == YamlTree::Type::scalar)
                fault(key, "unknown word \"" + text::escape(word, 64) + "\"",
                      codec::suggest(word, words, "words"))
                    .at_key = true;
            good = false;
        }
        return good;
    }

    void each_item(const Kind& kind, Index items, Index defaults) {
        if (is(items, YamlTree::Type::null))
            return;
        if (!is(items, YamlTree::Type::mapping)) {
            fault(items, "items is a mapping from names to fields");
            return;
        }
        for (Index key = tree_->first(items); key != YamlTree::none && out_.issues.size() < most_issues;
             key = tree_->next(tree_->next(key)))
            if (is(key, YamlTree::Type::scalar))
                object(kind, key, tree_->text(tree_->at(key)), tree_->next(key), defaults);
    }

    void single(const Kind& kind, Index root, Index name, Index spec, Index defaults) {
        std::string_view given;
        if (name != YamlTree::none) {
            if (!is(name, YamlTree::Type::scalar)) {
                fault(name, "name is a text");
                return;
            }
            given = tree_->text(tree_->at(name));
        } else if (!kind.is_singleton) {
            fault(root, "name is missing", "or items for several objects");
            return;
        }
        object(kind, name == YamlTree::none ? root : name, given, spec, defaults);
    }

    void object(const Kind& kind, Index own, std::string_view name, Index spec, Index defaults) {
        if (spec != YamlTree::none && !is(spec, YamlTree::Type::mapping) && !is(spec, YamlTree::Type::null)) {
            fault(spec, "the fields of a " + std::string(kind.name) + " are a mapping", "write {} for none");
            return;
        }
        json::object fields;
        for (const Index source : {spec, defaults}) {
            if (!is(source, YamlTree::Type::mapping))
                continue;
            const json::value value = tree_->to_json(source);
            for (const auto& member : value.get_object())
                fields.insert(member); // the object's own come first and stay
        }
        Document document;
        document.kind = kind.name;
        document.file = file_;
        document.source = std::make_shared<TreeSource>(tree_, own, spec, defaults);
        auto canonical = kind.canonical_name(name);
        document.name = canonical ? std::move(*canonical) : std::string(name);
        Issues found;
        document.spec = std::make_shared<const json::object>(
            normalise(kind, document.name, fields, found, DecodeOptions{true, true}));
        for (auto& issue : found) {
            issue.file = file_;
            issue.at = document.source->locate(issue.path, issue.at_key);
            out_.issues.push_back(std::move(issue));
        }
        if (!has_errors(found))
            out_.documents.push_back(std::move(document));
    }

    /// One fault in `defaults` shows at every item.
    void forget_repeats() {
        std::set<std::tuple<unsigned, unsigned, std::string>> seen;
        std::erase_if(out_.issues, [&](const Issue& i) {
            return !seen.emplace(i.at.line, i.at.column, i.path + " " + i.message).second;
        });
        std::stable_sort(out_.issues.begin(), out_.issues.end(), [](const Issue& a, const Issue& b) {
            return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
        });
    }

    std::string file_;
    Kinds kinds_;
    ReadDocuments& out_;
    std::shared_ptr<YamlTree> tree_;
};

} // namespace

ReadDocuments read_yaml(std::string_view text, std::string_view file, Kinds kinds) {
    ReadDocuments out;
    Reader(file, kinds, out).run(text);
    return out;
}

} // namespace mail::schema
