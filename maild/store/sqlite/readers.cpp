#include "maild/store/sqlite/readers.hpp"

namespace mail::store::sqlite {

Result<std::unique_ptr<Readers>> Readers::open(const std::string& path, unsigned count) {
    std::unique_ptr<Readers> readers(new Readers());
    for (unsigned i = 0; i < count; ++i) {
        MAIL_TRY(auto database, Database::open(path, Database::Mode::read));
        readers->free_.push_back(database.get());
        readers->all_.push_back(std::move(database));
    }
    return readers;
}

Database* Readers::take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !free_.empty(); });
    // The one used last has the warmest cache.
    Database* database = free_.back();
    free_.pop_back();
    return database;
}

void Readers::give(Database* database) noexcept {
    {
        const std::lock_guard lock(mutex_);
        free_.push_back(database); // never allocates: the vector has held them all
    }
    returned_.notify_one();
}

} // namespace mail::store::sqlite
