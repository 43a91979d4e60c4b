// Pickup: sends the files of the pickup folders (schema::Pickup). A file is accepted durably, then removed; the message's
// transaction also notes the file, so that a crash between the two sends nothing twice. What cannot be sent goes to badmail
// with the reason beside it; what cannot be sent now stays and is tried again. One coroutine; file work runs on the pool.
#pragma once

#include "common/async/runtime.hpp"
#include "common/async/signal.hpp"
#include "maild/pickup/envelope.hpp"
#include "maild/pickup/folder.hpp"
#include "maild/service/delivery.hpp"

#include <atomic>
#include <map>
#include <memory>

namespace mail::pickup {

/// All outlive the Pickup.
struct Services {
    store::Store& store;
    service::Config& config;
    service::Directory& directory;
    service::Delivery& delivery;
    async::WorkerPool& pool;
    const Clock& clock;
};

class Pickup {
  public:
    Pickup(Services services, std::string data_dir) : services_(services), data_dir_(std::move(data_dir)) {}
    /// The configuration may have changed. Thread-safe.
    void wake() { wake_.fire(); }
    /// Until stop().
    [[nodiscard]] Task<void> run();
    void stop();

  private:
    struct State {
        State(std::string directory, std::string badmail) : folder(std::move(directory), std::move(badmail)) {}
        PickupFolder folder;
        bool prepared = false;
        bool complained = false; ///< that the folder is not usable, since it last was
        SteadyTime pause_until{};
    };
    using StatePtr = std::shared_ptr<State>;
    /// What became of one file.
    enum class End : std::uint8_t { gone, later };
    struct Prepared;

    void follow_configuration();
    [[nodiscard]] Task<bool> recall();
    /// Whether there is more to do at once.
    [[nodiscard]] Task<bool> turn(const std::string& name, StatePtr state);
    [[nodiscard]] Task<End> send(const std::string& name, StatePtr state, FoundFile file);
    [[nodiscard]] Result<Prepared> prepare(const FoundFile& file, const std::string& pickup);
    [[nodiscard]] Task<Result<void>> fill(service::Incoming& incoming, std::string bytes);
    [[nodiscard]] Task<End> finish(StatePtr state, FoundFile file, std::string reason, std::string mark);
    [[nodiscard]] Task<void> forget_marks();

    Services services_;
    std::string data_dir_;
    async::Signal wake_;
    std::atomic<bool> stopping_{false};
    std::map<std::string, StatePtr> states_;
    /// Files that are accepted and may still lie there, by mark; the text says who was not (badmail), or is empty.
    std::map<std::string, std::string> accepted_;
    std::vector<std::string> finished_; ///< marks whose files are gone
};

} // namespace mail::pickup
