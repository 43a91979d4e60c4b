// Mailboxes and the text index: which items of a folder a search for text need not read.
#include "common/base/limits.hpp"
#include "maild/service/mailboxes_state.hpp"
#include "maild/service/search_text.hpp"

#include <algorithm>

namespace mail::service {

/// The answers of the text index to one search; not in the anonymous namespace, since coroutines hold it.
struct TextLookup {
    std::vector<std::string> texts;
    std::vector<store::TextHits> hits; ///< one per text

    [[nodiscard]] std::uint64_t absent(const store::ItemBody& body) const {
        std::uint64_t out = 0;
        for (std::size_t i = 0; i < hits.size(); ++i)
            if (!hits[i].too_many && body.blob.id <= hits[i].indexed &&
                !std::binary_search(hits[i].blobs.begin(), hits[i].blobs.end(), body.blob.id))
                out |= std::uint64_t{1} << i;
        return out == 0 ? out : out & ~prefix_may_hold(body.prefix, texts);
    }
};

namespace {

constexpr std::size_t batch = 10'000; // items
constexpr auto most_hits = static_cast<std::size_t>(2 * limit::text_index_hits); // of all texts of one search

using Absent = std::vector<Mailboxes::AbsentTexts>;

Result<std::shared_ptr<const TextLookup>> look_up(store::TextIndex& index, std::vector<std::string> texts) {
    auto out = std::make_shared<TextLookup>();
    out->texts = std::move(texts);
    std::size_t kept = 0;
    for (const auto& text : out->texts) {
        auto hits = index.find(text);
        kept += hits ? hits->blobs.size() : 0;
        if (!hits || kept > most_hits) // searched without the index
            hits = store::TextHits{.indexed = 0, .too_many = true, .blobs = {}};
        out->hits.push_back(std::move(*hits));
    }
    return std::shared_ptr<const TextLookup>(std::move(out));
}

Absent judge(const TextLookup& lookup, const std::vector<store::ItemBody>& bodies) {
    Absent out;
    out.reserve(bodies.size());
    for (const auto& body : bodies)
        out.push_back({body.uid, lookup.absent(body)});
    return out;
}

/// What is left of `uids` after `last`.
store::UidSet after(const store::UidSet& uids, store::Uid last) {
    store::UidSet out;
    for (const auto& range : uids)
        if (range.last > last)
            out.push_back({std::max(range.first, last + 1), range.last});
    return out;
}

} // namespace

void Mailboxes::use_text_index(store::TextIndex& index, async::WorkerPool& pool) {
    state_->texts = &index;
    state_->pool = &pool;
}

Task<Result<Absent>> Mailboxes::absent_texts(store::AccountId who, store::FolderId folder, const store::UidSet& uids,
                                             const std::vector<std::string>& texts) {
    MAIL_CO_DO(co_await authorize(who, folder, Right::read));
    Absent out;
    auto* index = state_->texts;
    if (index == nullptr || texts.empty() || index->indexed() == 0)
        co_return out;
    using Found = std::shared_ptr<const TextLookup>;
    std::function<Result<Found>()> find = [index, texts] { return look_up(*index, texts); };
    MAIL_CO_TRY(const auto lookup, co_await state_->pool->run<Found>(std::move(find)));
    auto rest = uids;
    while (!rest.empty()) {
        MAIL_CO_TRY(auto bodies, co_await state_->store.mail().bodies(folder, rest, batch));
        if (bodies.empty())
            break;
        const bool more = bodies.size() == batch;
        rest = after(rest, bodies.back().uid);
        auto rows = std::make_shared<std::vector<store::ItemBody>>(std::move(bodies));
        std::function<Result<Absent>()> job = [lookup, rows] { return Result<Absent>(judge(*lookup, *rows)); };
        MAIL_CO_TRY(const auto judged, co_await state_->pool->run<Absent>(std::move(job)));
        out.insert(out.end(), judged.begin(), judged.end());
        if (!more)
            break;
    }
    co_return out;
}

} // namespace mail::service
