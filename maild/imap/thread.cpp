#include "maild/imap/thread.hpp"

#include <algorithm>
#include <unordered_map>

namespace mail::imap {

namespace {

using Index = std::uint32_t;
constexpr Index none = UINT32_MAX;

// A place in the tree: a message, or an id that was only referred to.
struct Node {
    const ThreadMessage* message = nullptr;
    Index parent = none;
    std::vector<Index> children;
};

class Forest {
  public:
    explicit Forest(std::span<const ThreadMessage> messages) {
        for (const auto& message : messages)
            add(message);
        for (Index i = 0; i < nodes_.size(); ++i)
            (nodes_[i].parent == none ? roots_ : nodes_[nodes_[i].parent].children).push_back(i);
        prune(roots_, true, 0);
        sort_all(roots_, 0);
        merge_subjects();
        sort_all(roots_, 0);
    }

    [[nodiscard]] std::string text() const {
        std::string out;
        for (auto root : roots_) {
            out += '(';
            write(out, root, 0);
            out += ')';
        }
        return out;
    }

  private:
    Index node_of(const std::string& id) {
        const auto [entry, added] = by_id_.emplace(id, static_cast<Index>(nodes_.size()));
        if (added)
            nodes_.emplace_back();
        return entry->second;
    }

    // True when `child` may come under `parent`: no loop, not too deep.
    [[nodiscard]] bool fits(Index parent, Index child) const {
        int depth = 0;
        for (auto at = parent; at != none; at = nodes_[at].parent)
            if (at == child || ++depth > max_thread_depth)
                return false;
        return true;
    }

    void link(Index parent, Index child) {
        nodes_[child].parent = parent;
        nodes_[parent].children.push_back(child);
    }

    // RFC 5256 §3 REFERENCES, step 1.
    void add(const ThreadMessage& message) {
        Index self = none;
        if (!message.message_id.empty()) {
            self = node_of(message.message_id);
            if (nodes_[self].message != nullptr)
                self = none; // an id used twice: the second message stands for itself
        }
        if (self == none) {
            self = static_cast<Index>(nodes_.size());
            nodes_.emplace_back();
        }
        nodes_[self].message = &message;
        const auto& all = message.references;
        const auto skipped = all.size() > max_references ? all.size() - max_references : 0;
        Index before = none;
        for (auto i = skipped; i < all.size(); ++i) {
            const auto reference = node_of(all[i]);
            if (before != none && nodes_[reference].parent == none && fits(before, reference))
                nodes_[reference].parent = before;
            before = reference;
        }
        // The message's own word about its parent outweighs what others said.
        if (before == none || nodes_[self].parent == before)
            return;
        nodes_[self].parent = none;
        if (fits(before, self))
            nodes_[self].parent = before;
    }

    // Step 3: what stands for no message goes; its children take its place, but two roots are not made of one thread.
    void prune(std::vector<Index>& list, bool top, int depth) {
        std::vector<Index> kept;
        for (auto index : list) {
            auto& node = nodes_[index];
            if (depth <= 2 * max_thread_depth)
                prune(node.children, false, depth + 1);
            if (node.message != nullptr || (top && node.children.size() > 1)) {
                kept.push_back(index);
                continue;
            }
            for (auto child : node.children) {
                nodes_[child].parent = node.parent;
                kept.push_back(child);
            }
            node.children.clear();
        }
        list = std::move(kept);
    }

    // The message a thread is known by: its root, or the first child of a placeholder.
    [[nodiscard]] const ThreadMessage* face(Index index) const {
        const auto& node = nodes_[index];
        if (node.message != nullptr || node.children.empty())
            return node.message;
        return nodes_[node.children.front()].message;
    }

    void sort(std::vector<Index>& list) const {
        std::stable_sort(list.begin(), list.end(), [this](Index a, Index b) {
            const auto* x = face(a);
            const auto* y = face(b);
            if (x == nullptr || y == nullptr)
                return x == nullptr && y != nullptr;
            return x->date != y->date ? x->date < y->date : x->number < y->number;
        });
    }

    void sort_all(std::vector<Index>& list, int depth) { // steps 4 and 6
        if (depth <= 2 * max_thread_depth)
            for (auto index : list)
                sort_all(nodes_[index].children, depth + 1);
        sort(list);
    }

    // Step 5: threads of one base subject become one.
    void merge_subjects() {
        std::unordered_map<std::string, Index> known;
        for (auto root : roots_) {
            const auto* shown = face(root);
            if (shown == nullptr || shown->base_subject.empty())
                continue;
            const auto [entry, added] = known.emplace(shown->base_subject, root);
            if (added)
                continue;
            const bool placeholder = nodes_[root].message == nullptr;
            const bool known_placeholder = nodes_[entry->second].message == nullptr;
            if ((placeholder && !known_placeholder) ||
                (face(entry->second)->is_reply && !shown->is_reply && placeholder == known_placeholder))
                entry->second = root;
        }
        std::vector<Index> kept;
        for (auto root : roots_) {
            const auto* shown = face(root);
            const auto entry = shown == nullptr || shown->base_subject.empty() ? known.end() : known.find(shown->base_subject);
            if (entry == known.end() || entry->second == root) {
                kept.push_back(root);
                continue;
            }
            join(entry->second, root);
        }
        for (auto& root : kept)
            while (nodes_[root].parent != none)
                root = nodes_[root].parent;
        roots_ = std::move(kept);
    }

    void join(Index target, Index root) {
        const bool placeholder = nodes_[root].message == nullptr;
        const auto over = nodes_[target].parent; // a placeholder made below for an earlier pair
        if (over != none) {
            link(over, root);
        } else if (nodes_[target].message == nullptr) {
            if (!placeholder) {
                link(target, root);
                return;
            }
            for (auto child : nodes_[root].children)
                link(target, child);
            nodes_[root].children.clear();
        } else if (face(root)->is_reply && !face(target)->is_reply) {
            link(target, root);
        } else {
            const auto both = static_cast<Index>(nodes_.size());
            nodes_.emplace_back();
            link(both, target);
            link(both, root);
        }
    }

    // thread-members: a line of descent is written flat, brothers in parentheses.
    void write(std::string& out, Index index, int depth) const {
        bool first = true;
        while (true) {
            const auto& node = nodes_[index];
            if (node.message != nullptr) {
                if (!first)
                    out += ' ';
                out += std::to_string(node.message->number);
                first = false;
            }
            if (node.children.size() != 1) {
                if (!first && !node.children.empty())
                    out += ' ';
                if (depth <= 2 * max_thread_depth)
                    for (auto child : node.children) {
                        out += '(';
                        write(out, child, depth + 1);
                        out += ')';
                    }
                return;
            }
            index = node.children.front();
        }
    }

    std::vector<Node> nodes_;
    std::unordered_map<std::string, Index> by_id_;
    std::vector<Index> roots_;
};

} // namespace

std::string thread_by_references(std::span<const ThreadMessage> messages) {
    return messages.empty() ? std::string() : Forest(messages).text();
}

// RFC 5256 §3 ORDEREDSUBJECT: by subject, then by date; the threads in the order of their first messages.
std::string thread_by_subject(std::span<const ThreadMessage> messages) {
    std::vector<const ThreadMessage*> order;
    for (const auto& message : messages)
        order.push_back(&message);
    const auto earlier = [](const ThreadMessage* a, const ThreadMessage* b) {
        return a->date != b->date ? a->date < b->date : a->number < b->number;
    };
    std::sort(order.begin(), order.end(), earlier);
    std::unordered_map<std::string, std::size_t> places;
    std::vector<std::vector<const ThreadMessage*>> threads;
    for (const auto* message : order) {
        const auto [entry, added] = places.emplace(message->base_subject, threads.size());
        if (added)
            threads.emplace_back();
        threads[entry->second].push_back(message);
    }
    std::string out;
    for (const auto& thread : threads) {
        out += '(' + std::to_string(thread.front()->number);
        for (std::size_t i = 1; i < thread.size(); ++i) {
            const auto number = std::to_string(thread[i]->number);
            if (i == 1)
                out += ' ';
            out += thread.size() == 2 ? number : '(' + number + ')';
        }
        out += ')';
    }
    return out;
}

} // namespace mail::imap
