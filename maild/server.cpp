#include "maild/server.hpp"

#include "common/async/runtime.hpp"
#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "maild/admin/admin_server.hpp"
#include "maild/attempt_stories.hpp"
#include "maild/certificates.hpp"
#include "maild/listeners.hpp"
#include "maild/outbound.hpp"
#include "maild/pickup/pickup.hpp"
#include "maild/play.hpp"
#include "maild/privileges.hpp"
#include "maild/queue/way.hpp"
#include "maild/reconciler.hpp"
#include "maild/service/delivery.hpp"
#include "maild/service/housekeeping.hpp"
#include "maild/service/recovery.hpp"
#include "maild/service/quota_watch.hpp"
#include "maild/service/indexer.hpp"
#include "maild/service/sending.hpp"
#include "maild/service/stories.hpp"
#include "maild/sessions.hpp"
#include "maild/store/sqlite/sqlite_store.hpp"
#include "maild/store/sqlite/text_index.hpp"
#include "maild/supervisor.hpp"
#include "maild/version.hpp"

#include <boost/json.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace mail {
namespace {

constexpr int exit_failed = 1, exit_store = 75, exit_config = 78; // sysexits: EX_TEMPFAIL, EX_CONFIG
constexpr auto drain_time = std::chrono::seconds(limit::drain_seconds); ///< what is under way may end
constexpr auto cancel_time = std::chrono::seconds(2);
constexpr std::size_t waiting_hashes = 4096;

/// Everything that runs, in the order in which it is built; destroyed in the reverse order.
class Server {
  public:
    Server(const BootConfig& boot, const net::InheritedSockets& inherited, const Supervisor& supervisor,
           std::unique_ptr<store::Store> store)
        : boot_(boot), inherited_(inherited), supervisor_(supervisor), store_(std::move(store)), runtime_(io_threads(boot)), hashing_(std::thread::hardware_concurrency(), waiting_hashes),
          planning_(1, 64), indexing_(1, 64), config_(*store_), directory_(*store_, config_), sign_in_(*store_, directory_, hashing_),
          mailboxes_(*store_, bus_, directory_, clock_), delivery_(*store_, config_, directory_, clock_), stories_(*store_, clock_), housekeeping_(*store_, config_, directory_, clock_), recovery_(*store_, mailboxes_),
          sending_(*store_, config_, delivery_, clock_),
          pickup_({*store_, config_, directory_, delivery_, hashing_, clock_}, boot.data_dir),
          indexer_(*store_, *texts_, bus_, indexing_, clock_), reconciler_(config_, sign_in_), certificates_(boot.data_dir + "/tls"),
          session_services_{{config_, directory_, delivery_, sign_in_, budget_, &store_->queue(), &sending_},
                            {mailboxes_, sign_in_, sessions_, hashing_, clock_},
                            {mailboxes_, sign_in_, maildrops_}},
          listeners_(runtime_, sessions_, certificates_, inherited, session_runner()),
          outbound_(*store_, delivery_, bus_, runtime_, hashing_, clock_, boot.data_dir),
          resources_(*store_, planning_, [this](std::uint64_t revision) { return reconciler_.settle(revision); }),
          admin_(runtime_, admin_services()) {}

    /// Up to the admin socket. Errors leave nothing open.
    Result<void> start() {
        MAIL_DO(sign_in_.open());
        MAIL_DO(directory_.open());
        MAIL_DO(resources_.open());
        mailboxes_.use_text_index(*texts_, hashing_);
        store_->on_commit([this](const store::Changes& changes) {
            directory_.forget(changes);
            bus_.publish(changes);
            reconciler_.note(changes);
        });
        store_->on_failure([](const Error&) {
            ::kill(::getpid(), SIGUSR1); // to the process, not to this thread: the main thread waits for it, see wait()
        });
        runtime_.start();
        Result<void> outcome;
        async::Executor executor = runtime_.executor(0);
        if (!background_.spawn(executor, prepare(outcome)) || !wait_until_prepared())
            return fail(ErrorCode::internal, "the start was interrupted");
        if (!outcome)
            return outcome;
        background_.spawn(executor, reconciler_.run());
        delivery_.set_stories(&stories_);
        background_.spawn(executor, stories_.run());
        if (boot_.rescue)
            return boot_.apply.empty() ? admin_.open(boot_.socket_path(), &inherited_) : Result<void>{};
        if (auto problem = listeners_.first_problem(); !problem.empty())
            return fail(ErrorCode::conflict, problem, "free the address or change the listener");
        background_.spawn(executor, housekeeping_.run());
        outbound_.set_observer(attempt_stories_);
        background_.spawn(executor, indexer_.run());
        MAIL_DO(outbound_.start());
        background_.spawn(executor, pickup_.run());
        background_.spawn(executor, quota_watch_.run());
        MAIL_DO(admin_.open(boot_.socket_path(), &inherited_));
        for (const auto& socket : inherited_.unused())
            log(Event::listener_failed, {{"bind", socket}, {"reason", "no listener uses this inherited socket"}});
        return {};
    }

    /// Until a signal ends it. Returns the exit status.
    int wait() {
        sigset_t set = signals();
        for (;;) {
            const int signal = next_signal(set);
            if (signal == 0)
                beat();
            else if (signal == SIGHUP)
                background_.spawn(runtime_.executor(0), reload());
            else if (signal == SIGUSR1)
                return exit_store;
            else
                return 0;
        }
    }

    /// False when a session would not end: what it uses must then not be destroyed.
    [[nodiscard]] bool stop() {
        log(Event::server_stopping, {{"sessions", sessions_.size()}});
        supervisor_.stopping();
        stopping_ = true;
        const auto until = clock_.steady() + drain_time;
        listeners_.close();
        // Who only waits is told at once; a message under way may finish. Meanwhile the queue's attempts do the same.
        listeners_.end_sessions();
        admin_.close();
        outbound_.stop();
        pickup_.stop();
        quota_watch_.close();
        reconciler_.stop();
        const auto left = std::chrono::duration_cast<Duration>(until - clock_.steady());
        if (!sessions_.wait(std::max<Duration>(left, Duration::zero()))) {
            log(Event::server_stopping, {{"sessions", sessions_.size()}, {"reason", "the rest is cut off"}});
            sessions_.close();
            sessions_.cancel();
            sessions_.wait(cancel_time);
        }
        sessions_.close();
        housekeeping_.close();
        stories_.close();
        indexer_.close();
        background_.close();
        background_.wait(cancel_time);
        store_->close();
        runtime_.stop();
        return sessions_.size() == 0 && background_.size() == 0;
    }

    static sigset_t signals() {
        sigset_t set;
        ::sigemptyset(&set);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1})
            ::sigaddset(&set, signal);
        return set;
    }

  private:
    static unsigned io_threads(const BootConfig& boot) {
        return boot.threads != 0 ? boot.threads : std::max(1U, std::thread::hardware_concurrency());
    }

    SessionRunner session_runner() {
        return [this](std::shared_ptr<const ListenerSettings> settings, std::unique_ptr<net::Stream> stream, std::string id) {
            return run_session(session_services_, std::move(settings), std::move(stream), std::move(id));
        };
    }

    admin::Services admin_services() {
        admin::ServerView view{[this] { return status(); }, [this] { return metrics(); }, [this] { indexer_.rebuild(); }};
        admin::Services services{*store_, resources_, bus_, std::move(view), clock_, [this] { return stopping_.load(); }};
        services.find_way = [this](std::string sender, std::string recipient) {
            return outbound_.way(std::move(sender), std::move(recipient));
        };
        services.stories = &stories_;
        services.mailboxes = &mailboxes_;
        services.directory = &directory_;
        services.sign_in = &sign_in_;
        services.sending = &sending_;
        services.recovery = &recovery_;
        services.config = &config_;
        services.play = [this](service::Play play) {
            return play_transaction(*store_, session_services_.smtp, clock_, std::move(play));
        };
        services.probe = [this](std::string sender, std::string recipient, queue::StageWatcher& watcher) {
            return outbound_.probe(std::move(sender), std::move(recipient), watcher);
        };
        return services;
    }

    /// A signal, or 0 when it is time for the next beat().
    [[nodiscard]] int next_signal(const sigset_t& set) const {
        const auto period = supervisor_.beat();
        if (period == Duration::zero()) {
            int signal = 0;
            while (::sigwait(&set, &signal) != 0) {
            }
            return signal;
        }
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(period);
        const timespec wait{seconds.count(), std::chrono::nanoseconds(period - seconds).count()};
        for (;;) {
            const int signal = ::sigtimedwait(&set, nullptr, &wait);
            if (signal > 0)
                return signal;
            if (errno == EAGAIN)
                return 0;
        }
    }

    /// The supervisor is told that maild lives only when every I/O thread has answered since the last time.
    void beat() {
        if (answered_ != runtime_.threads())
            return;
        supervisor_.alive();
        answered_ = 0;
        for (unsigned i = 0; i < runtime_.threads(); ++i)
            background_.spawn(runtime_.executor(i), answer_beat());
    }
    Task<void> answer_beat() {
        ++answered_;
        co_return;
    }

    Task<void> reload() {
        supervisor_.reloading();
        co_await reconciler_.reload();
        supervisor_.ready();
    }

    /// The configuration in force, documents applied, listeners open.
    Task<void> prepare(Result<void>& outcome) {
        outcome = co_await prepare_steps();
        prepared_.set(true);
    }

    Task<Result<void>> prepare_steps() {
        config_.on_change([this](const auto& snapshot) { certificates_.reconcile(*snapshot); });
        config_.on_change([this](const auto& snapshot) {
            if (serving_)
                listeners_.reconcile(*snapshot);
        });
        config_.on_change([this](const auto& snapshot) { outbound_.reconcile(snapshot); });
        config_.on_change([this](const auto&) { pickup_.wake(); });
        config_.on_change([this](const auto&) { housekeeping_.wake(); });
        MAIL_CO_DO(co_await sending_.open());
        MAIL_CO_DO(co_await config_.reload());
        if (!boot_.apply.empty()) {
            // Nobody settles yet, so the snapshot is read again below.
            admin::Resources early(*store_, planning_, [](std::uint64_t) -> Task<void> { co_return; });
            MAIL_CO_DO(early.open());
            MAIL_CO_TRY(const bool applied, co_await early.apply_files(boot_.apply, boot_.rescue));
            static_cast<void>(applied);
        }
        serving_ = !boot_.rescue;
        co_return co_await config_.reload();
    }

    bool wait_until_prepared() {
        bool done = false;
        async::run_until_done(await_prepared(done));
        return done;
    }
    Task<void> await_prepared(bool& done) {
        const auto result = co_await prepared_.get();
        done = result.has_value();
    }

    boost::json::object status() const {
        boost::json::object out;
        out["version"] = version;
        out["mode"] = boot_.rescue ? "rescue" : "serve"; // rescue: no listeners, no queue
        const auto up = std::chrono::duration_cast<std::chrono::seconds>(clock_.steady() - started_);
        out["uptime_seconds"] = up.count();
        const auto config = config_.current();
        out["revision"] = config->revision;
        out["hostname"] = config->server.hostname;
        out["connections"] = sessions_.size();
        boost::json::array listeners;
        bool overloaded = false;
        for (const auto& listener : listeners_.status()) {
            overloaded = overloaded || listener.overloaded;
            boost::json::object item;
            item["name"] = listener.name;
            item["protocol"] = listener.protocol;
            item["bind"] = listener.bind;
            item["port"] = listener.port;
            item["state"] = listener.open ? "open" : "closed";
            item["sessions"] = listener.sessions;
            item["overloaded"] = listener.overloaded;
            item["error"] = listener.problem;
            listeners.push_back(std::move(item));
        }
        out["listeners"] = std::move(listeners);
        out["overloaded"] = overloaded;
        const auto stats = store_->stats();
        boost::json::object store;
        store["engine"] = boot_.store;
        store["commits"] = stats.commits;
        store["transactions"] = stats.transactions;
        store["free_bytes"] = stats.free_bytes;
        store["failed"] = stats.failed;
        out["store"] = std::move(store);
        out["index"] = index_status();
        return out;
    }

    boost::json::object index_status() const {
        const auto counts = indexer_.counts();
        boost::json::object out;
        out["state"] = counts.failed ? "failed" : counts.complete ? "complete" : "building";
        out["messages"] = counts.texts.messages;
        out["bytes"] = counts.texts.bytes;
        out["behind"] = counts.behind;
        return out;
    }

    std::string metrics() const {
        std::string out = "# HELP maild_sessions Open sessions.\n# TYPE maild_sessions gauge\n";
        for (const auto& listener : listeners_.status())
            out += "maild_sessions{listener=\"" + listener.name + "\",protocol=\"" + listener.protocol + "\"} " +
                   std::to_string(listener.sessions) + "\n";
        out += "# HELP maild_overloaded Whether time-outs are short because most connections are taken.\n"
               "# TYPE maild_overloaded gauge\n";
        for (const auto& listener : listeners_.status())
            out += "maild_overloaded{listener=\"" + listener.name + "\"} " + (listener.overloaded ? "1\n" : "0\n");
        out += "# HELP maild_message_bytes_left Message bytes that sessions may still hold in memory.\n"
               "# TYPE maild_message_bytes_left gauge\nmaild_message_bytes_left " + std::to_string(budget_.left()) + "\n";
        out += "# HELP maild_quota_letters_total Letters to owners of mailboxes that fill up.\n"
               "# TYPE maild_quota_letters_total counter\nmaild_quota_letters_total " + std::to_string(quota_watch_.letters()) + "\n";
        out += "# HELP maild_story_events_dropped_total Events of stories that came too fast to be kept.\n"
               "# TYPE maild_story_events_dropped_total counter\nmaild_story_events_dropped_total " +
               std::to_string(stories_.counts().dropped) + "\n";
        const auto kept = housekeeping_.counts();
        out += "# HELP maild_messages_purged_total Messages gone for good: expunged long ago, or of removed mailboxes.\n"
               "# TYPE maild_messages_purged_total counter\nmaild_messages_purged_total " + std::to_string(kept.purged) + "\n";
        out += "# HELP maild_messages_expired_total Messages that went by retention rules.\n"
               "# TYPE maild_messages_expired_total counter\nmaild_messages_expired_total " + std::to_string(kept.expired) + "\n";
        const auto index = indexer_.counts();
        const auto line = [&](const std::string& name, const char* type, const char* help, std::uint64_t value) {
            out += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n" + name + " " +
                   std::to_string(value) + "\n";
        };
        line("maild_derived_total", "counter", "Messages whose ENVELOPE and structure were made after delivery.", index.derived);
        line("maild_text_indexed_total", "counter", "Messages put into the search index.", index.indexed);
        line("maild_text_index_messages", "gauge", "Messages in the search index.", index.texts.messages);
        line("maild_text_index_bytes", "gauge", "Size of the search index.", index.texts.bytes);
        line("maild_text_index_behind", "gauge", "At most so many messages wait to be indexed.", index.behind);
        line("maild_text_index_lookups_total", "counter", "Texts looked up in the search index.", index.texts.lookups);
        line("maild_text_index_lookup_failures_total", "counter", "Lookups that failed.", index.texts.failures);
        line("maild_text_index_failed", "gauge", "Whether the search index takes nothing at the moment.", index.failed ? 1U : 0U);
        return out;
    }

    const BootConfig& boot_;
    const net::InheritedSockets& inherited_;
    const Supervisor& supervisor_;
    const Clock& clock_ = system_clock();
    SteadyTime started_ = clock_.steady();
    std::atomic<bool> stopping_ = false;
    std::atomic<unsigned> answered_ = io_threads(boot_); ///< I/O threads that answered the last beat()
    bool serving_ = false;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<store::TextIndex> texts_ =
        store::make_text_index(boot_.data_dir, static_cast<std::uint64_t>(limit::text_index_bytes));
    async::Runtime runtime_;
    async::WorkerPool hashing_;  ///< passwords and other heavy work of sessions
    async::WorkerPool planning_; ///< changes of configuration
    async::WorkerPool indexing_; ///< what is derived from messages after their delivery
    async::Completion<bool> prepared_;
    service::ChangeBus bus_;
    service::Config config_;
    service::Directory directory_;
    service::SignIn sign_in_;
    service::Mailboxes mailboxes_;
    service::Delivery delivery_;
    service::Stories stories_;
    service::Housekeeping housekeeping_;
    service::Recovery recovery_;
    AttemptStories attempt_stories_{stories_};
    service::Sending sending_;
    service::QuotaWatch quota_watch_{*store_, directory_, delivery_, bus_, clock_};
    pickup::Pickup pickup_;
    service::Indexer indexer_;
    smtp::ByteBudget budget_;
    pop3::MaildropLocks maildrops_;
    Reconciler reconciler_;
    Certificates certificates_;
    async::TaskGroup sessions_;
    async::TaskGroup background_;
    SessionServices session_services_;
    Listeners listeners_;
    Outbound outbound_;
    admin::Resources resources_;
    admin::AdminServer admin_;
};

/// A shell's default of 1,024 descriptors is less than limit::connections; what the system allows is taken.
void allow_descriptors() {
    rlimit allowed{};
    if (::getrlimit(RLIMIT_NOFILE, &allowed) != 0 || allowed.rlim_cur == allowed.rlim_max)
        return;
    allowed.rlim_cur = allowed.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &allowed);
}

/// What may be better at the next start, without anybody's help.
bool is_passing(ErrorCode code) { return code == ErrorCode::no_space || code == ErrorCode::temporary; }

int failed(const Error& error, int status) {
    log(Event::server_failed, {{"reason", error.message}, {"hint", error.hint}});
    flush_log();
    return status;
}

} // namespace

int serve(const BootConfig& boot) {
    // Before any thread starts, the log's included, so that only wait() sees them: who is told to stop while it starts
    // stops cleanly.
    const sigset_t set = Server::signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::prctl(PR_SET_DUMPABLE, 0);
    const net::InheritedSockets inherited; // before anything else opens descriptors
    const Supervisor supervisor;
    allow_descriptors();
    const auto running_as = drop_privileges(boot.user, boot.data_dir, boot.socket_path());
    if (!running_as)
        return failed(running_as.error(), exit_config);
    log(Event::server_privileges, {{"user", *running_as}});
    store::SqliteOptions options;
    options.directory = boot.data_dir;
    options.clock = &system_clock();
    if (boot.segment_bytes != 0)
        options.segment_bytes = boot.segment_bytes;
    auto store = store::open_sqlite(std::move(options));
    if (!store)
        return failed(store.error(), is_passing(store.error().code) ? exit_store : exit_config);
    log(Event::store_opened, {{"directory", boot.data_dir}});
    int status = exit_failed;
    try {
        Server server(boot, inherited, supervisor, std::move(*store));
        const auto started = server.start();
        if (started && boot.rescue && !boot.apply.empty()) {
            status = 0;
        } else if (started) {
            log(Event::server_started,
                {{"version", version}, {"socket", boot.socket_path()}, {"mode", boot.rescue ? "rescue" : "serve"}});
            supervisor.ready();
            status = server.wait();
        } else {
            const auto code = started.error().code;
            const bool config_fault = code == ErrorCode::invalid || code == ErrorCode::not_found ||
                                      code == ErrorCode::conflict || code == ErrorCode::denied || code == ErrorCode::too_large;
            status = failed(started.error(), config_fault ? exit_config : exit_failed);
        }
        if (!server.stop()) {
            log(Event::server_stopped, {{"status", status}, {"reason", "a session did not end and was left"}});
            flush_log();
            std::_Exit(status); // the store is closed; unwinding below a live session helps nobody
        }
    } catch (const std::system_error& error) {
        status = failed({ErrorCode::temporary, std::string("cannot start a thread: ") + error.what(), "allow more of them"}, exit_store);
    }
    log(Event::server_stopped, {{"status", status}});
    flush_log();
    return status;
}

} // namespace mail
