// A small pool of read connections. Whoever needs one waits for a free one; reads are short. Thread-safe.
#pragma once

#include "maild/store/sqlite/database.hpp"

#include <condition_variable>
#include <mutex>
#include <vector>

namespace mail::store::sqlite {

class Readers {
  public:
    [[nodiscard]] static Result<std::unique_ptr<Readers>> open(const std::string& path, unsigned count);

    /// One connection for as long as it lives.
    class Lease {
      public:
        explicit Lease(Readers& readers) : readers_(readers), database_(readers.take()) {}
        ~Lease() { readers_.give(database_); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        [[nodiscard]] Database& operator*() const noexcept { return *database_; }

      private:
        Readers& readers_;
        Database* database_;
    };

    /// Several statements that see one moment.
    class Moment {
      public:
        explicit Moment(Database& database) : database_(database), begun_(Query(database, "BEGIN").run()) {}
        ~Moment() { database_.rollback(); }
        Moment(const Moment&) = delete;
        Moment& operator=(const Moment&) = delete;

      private:
        Database& database_;
        Result<void> begun_;
    };

  private:
    Readers() = default;
    [[nodiscard]] Database* take();
    void give(Database* database) noexcept;

    std::vector<std::unique_ptr<Database>> all_;
    std::mutex mutex_;
    std::condition_variable returned_;
    std::vector<Database*> free_;
};

} // namespace mail::store::sqlite
