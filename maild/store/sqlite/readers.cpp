#include "maild/store/sqlite/readers.hpp"

#include <sqlite3.h>

namespace mail::store::sqlite {
namespace {

constexpr int steps_between_looks = 100'000;

int is_over(void* end) {
    return std::chrono::steady_clock::now() > *static_cast<std::chrono::steady_clock::time_point*>(end) ? 1 : 0;
}

} // namespace

Result<std::unique_ptr<Readers>> Readers::open(const std::string& path, unsigned count,
                                               std::chrono::steady_clock::duration longest) {
    std::unique_ptr<Readers> readers(new Readers(longest));
    for (unsigned i = 0; i < count; ++i) {
        MAIL_TRY(auto database, Database::open(path, Database::Mode::read));
        readers->all_.push_back(std::make_unique<Reader>(Reader{std::move(database), {}}));
        Reader* reader = readers->all_.back().get();
        sqlite3_progress_handler(reader->database->handle(), steps_between_looks, is_over, &reader->end);
        readers->free_.push_back(reader);
    }
    return readers;
}

Readers::Reader* Readers::take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !free_.empty(); });
    // The one used last has the warmest cache.
    Reader* reader = free_.back();
    free_.pop_back();
    reader->end = std::chrono::steady_clock::now() + longest_;
    return reader;
}

void Readers::give(Reader* reader) noexcept {
    {
        const std::lock_guard lock(mutex_);
        free_.push_back(reader); // never allocates: the vector has held them all
    }
    returned_.notify_one();
}

} // namespace mail::store::sqlite
