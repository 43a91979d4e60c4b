#include "maild/imap/proto/list_pattern.hpp"

#include "common/base/text.hpp"

namespace mail::imap {

std::shared_ptr<const ListPattern::Table> ListPattern::build(std::string_view pattern) {
    auto table = std::make_shared<Table>();
    table->masks.emplace_back();
    std::size_t state = 0;
    char last = '\0';
    for (char c : pattern) {
        const bool wild = c == '*' || c == '%';
        const bool after_wild = last == '*' || last == '%';
        if (wild && after_wild) { // a run of wildcards is one, the stronger
            if (c == '*') {
                table->any.set(state - 1);
                table->level.reset(state - 1);
                last = '*';
            }
            continue;
        }
        if (state + 1 >= max_states)
            return nullptr;
        if (wild) {
            (c == '*' ? table->any : table->level).set(state);
        } else {
            auto& slot = table->slot[static_cast<unsigned char>(c)];
            if (slot == 0) {
                slot = static_cast<std::uint16_t>(table->masks.size());
                table->masks.emplace_back();
            }
            table->masks[slot].set(state);
        }
        ++state;
        last = c;
    }
    table->end = state;
    return table;
}

ListPattern::ListPattern(std::string_view pattern)
    : table_(build(pattern)), inbox_(build(text::to_upper(pattern.substr(0, 1024)))) {}

bool ListPattern::run(const Table& table, std::string_view name) {
    const States wild = table.any | table.level;
    States now;
    now.set(0);
    now |= (now & wild) << 1;
    for (char c : name) {
        States next = (now & table.masks[table.slot[static_cast<unsigned char>(c)]]) << 1;
        next |= now & table.any;
        if (c != '/')
            next |= now & table.level;
        now = next | ((next & wild) << 1);
        if (now.none())
            return false;
    }
    return now.test(table.end);
}

bool ListPattern::matches(std::string_view name) const {
    if (table_ == nullptr)
        return false;
    return run(*table_, name) || (name == "INBOX" && inbox_ != nullptr && run(*inbox_, name));
}

} // namespace mail::imap
