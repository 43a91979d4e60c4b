#include "maild/service/indexer.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "maild/service/derived.hpp"
#include "maild/service/search_text.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <sys/resource.h>
#include <utility>

namespace mail::service {
namespace {

using namespace std::chrono_literals;

constexpr auto tag_key = "text_index";     // in the store: the name of the text index that belongs to it
constexpr auto gather = 300ms;             // mail comes in bursts
constexpr auto look_again = 60s;           // also after a failure
constexpr auto longest_pause = 20ms;       // between two slices
constexpr auto settle = 2s;                // after the start: who signs in first finds the disk free
constexpr auto watch = 5ms;                // so long the store is watched before the next slice
constexpr std::uint64_t busy_writer = 4;   // transactions that wait or were made meanwhile: others come first
constexpr int most_watches = 600;          // but not for ever
constexpr auto long_slice = 1ms;           // one that did something; pages without work are not worth a watch
constexpr int lowest_niceness = 19;
constexpr std::uint64_t spare_rows = 10'000; // rows of removed messages that are no reason to build the index anew

/// The work's own thread gets the processor when nobody else wants it. On Linux a niceness is that of one thread, and
/// more of it is always granted.
void step_back() {
    thread_local const int done = ::setpriority(PRIO_PROCESS, 0, lowest_niceness);
    (void)done;
}

} // namespace

/// One turn's messages on their way through the pool; owns all it needs.
struct Indexer::Slice {
    struct Message {
        store::BlobId blob = 0;
        bool derive = false;
        bool index = false;
        bool readable = true;
        std::string bytes;
    };
    std::vector<Message> messages;
    store::BlobId up_to = 0;
    std::vector<store::Derived> derived;
    std::vector<store::IndexedText> texts;

    void work() {
        for (auto& message : messages) {
            if (message.derive && message.readable)
                derived.push_back(derive_item(message.blob, message.bytes));
            if (message.index && message.readable)
                texts.push_back(index_text(message.blob, message.bytes));
            else if (message.index) // whoever searches will find out what is wrong with it
                texts.push_back({message.blob, {}, false});
            message.bytes.clear();
        }
    }
};

Indexer::Indexer(store::Store& store, store::TextIndex& texts, ChangeBus& bus, async::WorkerPool& pool, const Clock& clock)
    : store_(store), texts_(texts), pool_(pool), clock_(clock) {
    watching_ = bus.watch_all([this](const store::Changes& changes) {
        const auto grew = [](const store::FolderChange& change) { return !change.added.empty(); };
        if (std::any_of(changes.folders.begin(), changes.folders.end(), grew))
            wake_.fire();
    });
}
Indexer::~Indexer() = default;

void Indexer::close() {
    closed_ = true;
    wake_.fire();
}

void Indexer::rebuild() {
    rebuild_ = true;
    complete_ = false;
    wake_.fire();
}

Indexer::Counts Indexer::counts() const {
    return {derived_, indexed_, behind_, complete_, failed_, texts_.stats()};
}

namespace {

bool is_passing(const Error& error) { return error.code == ErrorCode::no_space || error.code == ErrorCode::temporary; }

/// A text index belongs to the store that holds its name; a copy of another store's says nothing about this one.
Result<std::string> name_of_texts(store::MetaStore& meta, Time now) {
    auto name = meta.meta(tag_key);
    if (name || name.error().code != ErrorCode::not_found)
        return name;
    auto made = Id::make(now).text();
    MAIL_DO(meta.put_meta(tag_key, made));
    return made;
}

} // namespace

// Derived data goes on without the text index. What is damaged is made anew at once, but not again and again.
void Indexer::text_failed(const Error& error) {
    const auto now = clock_.steady();
    const bool again = failed_at_ && now - *failed_at_ < look_again;
    failed_at_ = now;
    anew_ = anew_ || !is_passing(error);
    if (anew_ && !again)
        log(Event::text_index_dropped, {{"reason", error.message}});
    else if (!failed_.exchange(true))
        log(Event::text_index_failed, {{"reason", error.message}});
}

Task<void> Indexer::prepare_texts() {
    if (rebuild_.exchange(false)) {
        anew_ = true;
        failed_ = false;
    }
    if (failed_ || (ready_ && !anew_))
        co_return;
    std::function<Result<bool>()> job = [this, anew = anew_]() -> Result<bool> {
        MAIL_TRY(const auto name, name_of_texts(store_.meta(), clock_.now()));
        MAIL_DO(texts_.belong_to(name));
        if (anew) {
            MAIL_DO(texts_.clear());
        }
        return true;
    };
    const auto prepared = co_await pool_.run<bool>(std::move(job));
    ready_ = prepared.has_value();
    if (!prepared) {
        text_failed(prepared.error());
        co_return;
    }
    anew_ = false;
    told_ = false;
    cursor_ = 0;
}

// Reads what the page's messages still need; stops before the budget of a slice is exceeded.
Task<Result<std::shared_ptr<Indexer::Slice>>> Indexer::load(store::MailStore::BlobPage page) {
    auto slice = std::make_shared<Slice>();
    const store::BlobId indexed = ready_ && !failed_ ? texts_.indexed() : std::numeric_limits<store::BlobId>::max();
    std::uint64_t size = 0;
    for (const auto& entry : page.blobs) {
        Slice::Message message{entry.blob.id, !entry.derived, entry.blob.id > indexed, true, {}};
        if (message.derive || message.index) {
            if (size > 0 && size + entry.blob.length > static_cast<std::uint64_t>(limit::index_slice_bytes))
                break;
            auto bytes = co_await store_.mail().read(entry.blob, 0, entry.blob.length);
            if (!bytes && bytes.error().code == ErrorCode::closed)
                co_return fail(bytes.error());
            message.readable = bytes.has_value();
            if (bytes)
                message.bytes = std::move(*bytes);
            size += entry.blob.length;
            slice->messages.push_back(std::move(message));
        }
        slice->up_to = entry.blob.id;
    }
    co_return slice;
}

Task<Result<void>> Indexer::finish(std::shared_ptr<Slice> slice) {
    std::function<Result<bool>()> job = [slice, &texts = texts_]() -> Result<bool> {
        step_back();
        slice->work();
        if (!slice->texts.empty()) {
            MAIL_DO(texts.put(slice->texts, slice->up_to));
        }
        return true;
    };
    const auto worked = co_await pool_.run<bool>(std::move(job));
    if (worked)
        indexed_ += slice->texts.size();
    else
        text_failed(worked.error());
    derived_ += slice->derived.size();
    cursor_ = slice->up_to;
    if (slice->derived.empty())
        co_return Result<void>{};
    co_return co_await store_.mail().put_derived(std::move(slice->derived));
}

/// One slice; false when there is nothing left to do.
Task<Result<bool>> Indexer::turn() {
    co_await prepare_texts();
    const auto most = static_cast<std::size_t>(limit::index_slice_messages);
    MAIL_CO_TRY(auto page, co_await store_.mail().blobs(cursor_, most));
    if (ready_ && texts_.indexed() > page.last) { // an older copy of the store was put back
        anew_ = true;
        co_return true;
    }
    behind_ = static_cast<std::uint64_t>(page.last - std::min(cursor_, page.last));
    if (page.blobs.empty()) {
        cursor_ = page.last;
        behind_ = 0;
        co_return false;
    }
    MAIL_CO_TRY(auto slice, co_await load(std::move(page)));
    if (slice->messages.empty()) {
        cursor_ = slice->up_to;
        co_return true;
    }
    MAIL_CO_DO(co_await finish(std::move(slice)));
    co_return true;
}

// While mail comes in quickly it needs the processor and the disk more than a search does, which reads what is not indexed yet.
Task<void> Indexer::give_way(Duration worked) {
    const Duration pause = std::min<Duration>(worked, longest_pause);
    co_await async::sleep_for(pause);
    if (worked < long_slice)
        co_return;
    for (int i = 0; i < most_watches && !closed_; ++i) {
        const auto before = store_.stats().transactions;
        co_await async::sleep_for(watch);
        const auto now = store_.stats();
        if (now.waiting <= busy_writer && now.transactions - before <= busy_writer)
            co_return;
    }
}

Task<void> Indexer::rest() {
    const bool woken = co_await wake_.wait_for(look_again);
    if (woken && !closed_ && !rebuild_)
        co_await async::sleep_for(gather);
    if (failed_ && clock_.steady() - *failed_at_ >= look_again) {
        failed_ = false;
        cursor_ = std::min(cursor_, texts_.indexed());
    }
}

void Indexer::caught_up() {
    complete_ = true;
    const auto rows = texts_.stats().messages;
    if (!failed_ && !std::exchange(told_, true))
        log(Event::text_index_built, {{"messages", rows}});
    // The texts of removed messages are not kept, so their rows cannot be taken out one by one.
    if (rows > 2 * store_.stats().blobs + spare_rows)
        anew_ = true;
}

Task<void> Indexer::run() {
    (void)co_await wake_.wait_for(settle);
    while (!closed_) {
        const auto began = clock_.steady();
        const auto more = co_await turn();
        if (more && *more) {
            complete_ = false;
            const auto worked = std::chrono::duration_cast<Duration>(clock_.steady() - began);
            co_await give_way(worked);
            continue;
        }
        if (!more && more.error().code == ErrorCode::closed)
            co_return;
        if (!more)
            log(Event::store_error, {{"reason", more.error().message}, {"what", "derived data"}});
        else
            caught_up();
        co_await rest();
    }
}

} // namespace mail::service
