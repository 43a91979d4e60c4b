// A small pool of read connections. Whoever needs one waits for a free one; reads are short, and one that is not is broken
// off: as long as it lasts the log cannot be emptied. Thread-safe.
#pragma once

#include "maild/store/sqlite/database.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace mail::store::sqlite {

class Readers {
    struct Reader {
        std::unique_ptr<Database> database;
        std::chrono::steady_clock::time_point end; ///< of the read under way
    };

  public:
    [[nodiscard]] static Result<std::unique_ptr<Readers>> open(const std::string& path, unsigned count,
                                                              std::chrono::steady_clock::duration longest);

    /// One connection for as long as it lives.
    class Lease {
      public:
        explicit Lease(Readers& readers) : readers_(readers), reader_(readers.take()) {}
        ~Lease() { readers_.give(reader_); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        [[nodiscard]] Database& operator*() const noexcept { return *reader_->database; }

      private:
        Readers& readers_;
        Reader* reader_;
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
    explicit Readers(std::chrono::steady_clock::duration longest) : longest_(longest) {}
    [[nodiscard]] Reader* take();
    void give(Reader* reader) noexcept;

    std::chrono::steady_clock::duration longest_;
    std::vector<std::unique_ptr<Reader>> all_;
    std::mutex mutex_;
    std::condition_variable returned_;
    std::vector<Reader*> free_;
};

} // namespace mail::store::sqlite
