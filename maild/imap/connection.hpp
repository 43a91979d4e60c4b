// Session: one IMAP connection (RFC 3501, RFC 9051) as a coroutine, greeting to end. Runs on its stream's thread and
// needs no locks; other threads reach it only through its doorbell (changes of the selected mailbox, sign-in revoked).
// One writer at a time: the main coroutine, or while it waits in IDLE the companion that pushes changes.
// Made by serve(); what each command does is in cmd_<family>.cpp, the table of commands in commands.cpp.
#pragma once

#include "common/net/reader.hpp"
#include "maild/imap/mailbox_view.hpp"
#include "maild/imap/proto/append_parser.hpp"
#include "maild/imap/proto/command.hpp"
#include "maild/imap/proto/response.hpp"
#include "maild/imap/reply.hpp"
#include "maild/imap/search_match.hpp"
#include "maild/imap/session.hpp"

#include <atomic>
#include <optional>
#include <span>

namespace mail::service {
struct Facts; // derived.hpp
}

namespace mail::imap {

struct LoadedMessage; // fetch_job.hpp

/// A MailboxScope made ready to be asked about folders; see cmd_multisearch.cpp.
struct ScopeMatcher {
    MailboxScope::Kind kind = MailboxScope::Kind::personal;
    store::AccountId owner = 0;
    std::vector<std::string> names; ///< as the user sees them
    [[nodiscard]] bool matches(const store::Folder& folder) const;
};

class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(Services services, Profile profile, std::unique_ptr<net::Stream> stream, std::string id);
    [[nodiscard]] Task<void> run();
    /// After run() ended by an exception.
    void abandon() noexcept;

    enum class State : std::uint8_t { greeted = 1, signed_in = 2, selected = 4, ended = 8 };
    struct CommandRow {
        Verb verb;
        std::uint8_t states;    ///< State bits in which it is allowed
        bool by_number;         ///< without UID it works on message numbers: no EXPUNGE meanwhile
        Task<Reply> (Session::*handler)(const Command&);
        std::string_view capability; ///< what its presence lets CAPABILITY say; may be empty
    };

  private:
    struct Selected {
        store::Folder folder;
        std::shared_ptr<service::Mailboxes::OpenFolder> handle;
        MailboxView view;
        bool read_only = false;
        service::RightSet rights = 0; ///< as SELECT found them, for what it tells
        std::vector<NumberRange> saved; ///< UIDs of SEARCH RETURN (SAVE) (RFC 5182)
    };
    /// Shared with other threads, which may outlive the session for a moment.
    struct Doorbell {
        async::Signal signal;
        std::atomic<bool> revoked = false;
    };
    struct FetchJob;
    struct AppendJob;
    struct SearchBatch;
    struct SearchRun;
    struct Notifications;
    struct SearchContext;
    struct FoundLists { ///< what a SearchSummary points to
        NumberList all, part;
    };
    using Positions = std::vector<NumberRange>;

    // session.cpp: the loop
    [[nodiscard]] Task<Result<bool>> read_once();
    [[nodiscard]] Task<bool> read_more();
    /// Others want the session to end, and no message is coming in.
    [[nodiscard]] bool must_end() const noexcept { return stream_->is_ending() && append_ == nullptr; }
    [[nodiscard]] Task<void> step(Framer::Event event);
    [[nodiscard]] Task<void> dispatch(const Command& command);
    [[nodiscard]] Task<void> refuse_frame(Framer::Event event);
    [[nodiscard]] Task<Result<std::string>> client_line(std::size_t max);
    [[nodiscard]] Task<void> flush();
    [[nodiscard]] Task<void> flush_if_full();
    [[nodiscard]] static Task<void> companion(std::shared_ptr<Session> self);
    [[nodiscard]] bool may_push() const noexcept;
    [[nodiscard]] Task<void> push_changes();
    [[nodiscard]] Task<void> push_selected();
    [[nodiscard]] Task<void> fetch_new(store::Uid after);
    [[nodiscard]] Task<void> tell_notifications();
    [[nodiscard]] Task<Result<void>> notice_folders(bool quiet);
    [[nodiscard]] Task<Result<void>> notice_folder(const store::Folder& folder, bool subscribed, bool quiet);
    [[nodiscard]] Task<bool> notice_metadata(const store::Folder& folder, bool quiet);
    void notice_gone(const std::vector<store::Folder>& folders);
    void watch_owners(const std::vector<store::Folder>& folders);
    [[nodiscard]] const NotifyGroup* group_of(const store::Folder& folder) const;
    void finish(std::string_view tag, const Reply& reply);
    void bad_command(std::string_view tag, std::string_view reason, std::string_view code = {});
    void say(std::string_view line);
    void bye(std::string_view code, std::string_view text);
    void sync(bool allow_expunge);
    void allow_time();
    [[nodiscard]] SyncStyle style(bool allow_expunge) const;
    [[nodiscard]] static std::span<const CommandRow> commands();
    [[nodiscard]] static bool uses_numbers(const Command& command);
    [[nodiscard]] std::string capabilities() const;

    // helpers of the command files
    /// The client takes UTF-8 in quoted strings and mailbox names (RFC 9051 §5.1, RFC 6855 §3).
    [[nodiscard]] bool utf8() const noexcept { return rev2_ || utf8_accept_; }
    [[nodiscard]] bool plaintext_allowed() const;
    [[nodiscard]] bool may_start_tls() const;
    [[nodiscard]] service::Caller caller() const;
    [[nodiscard]] store::AccountId account() const { return mailbox_->account; }
    [[nodiscard]] Result<std::string> decode_name(const std::string& raw) const;
    [[nodiscard]] Task<Result<store::Folder>> find_folder(std::string raw);
    [[nodiscard]] Task<Reply> sign_in_failed(Error error);
    [[nodiscard]] Task<Reply> end_sign_in(const Command& command, Result<service::MailboxPtr> mailbox);
    [[nodiscard]] Task<Result<service::MailboxPtr>> run_exchange(const AuthenticateArguments& arguments);
    [[nodiscard]] Reply signed_in(service::MailboxPtr mailbox);
    void unselect();
    [[nodiscard]] Task<Reply> select_folder(const SelectArguments& arguments, bool read_only);
    [[nodiscard]] Task<Result<void>> tell_resync(const ResyncArguments& resync);
    void tell_selected();
    [[nodiscard]] std::string permanent_flags(const std::vector<std::string>& keywords) const;
    void append_rights(const store::Folder& folder, service::RightSet rights);
    void append_metadata(std::string_view mailbox,
                         std::span<const std::pair<std::string, std::optional<std::string>>> entries);
    [[nodiscard]] Task<Result<void>> list_metadata(const store::Folder& folder, const std::vector<std::string>& asked);
    [[nodiscard]] Task<Result<void>> list_further(const store::Folder& folder, const ListArguments& arguments);
    [[nodiscard]] Task<Result<void>> append_status_line(store::Folder folder, std::uint16_t items);
    [[nodiscard]] Result<Positions> positions(const SequenceSet& set, bool uid) const;
    /// `change` without its UIDs.
    void tell_stored(const store::FlagReceipt& receipt, const store::FlagChange& change, bool silent);
    void tell_new_keywords();
    void enable_condstore();
    void keep_changed(Positions& positions, store::ModSeq since) const;
    [[nodiscard]] Task<Result<void>> tell_vanished(const FetchArguments& arguments);
    [[nodiscard]] Task<Result<void>> run_fetch(FetchJob& job);
    [[nodiscard]] Task<Result<void>> fetch_simple(FetchJob& job);
    [[nodiscard]] Task<Result<void>> mark_seen(FetchJob& job, std::span<const NumberRange> batch);
    [[nodiscard]] Task<Result<void>> fetch_batch(FetchJob& job, std::span<const NumberRange> batch);
    [[nodiscard]] Task<void> fetch_sections(FetchJob& job, const store::ItemBody& body, std::size_t start);
    [[nodiscard]] Task<Result<void>> fetch_section(FetchJob& job, LoadedMessage& message, const store::ItemBody& body,
                                                   const FetchSection& section, std::string_view label);
    [[nodiscard]] Task<Result<void>> fetch_whole(FetchJob& job, const store::ItemBody& body, const FetchSection& section,
                                                 std::string_view label);
    [[nodiscard]] Task<Result<void>> fetch_part(FetchJob& job, LoadedMessage& message, const store::ItemBody& body,
                                                const FetchSection& section, std::string_view label);
    [[nodiscard]] Task<Result<void>> load_message(LoadedMessage& message, const store::ItemBody& body, bool header_only);
    [[nodiscard]] Task<void> write_direct(FetchJob& job, std::string_view bytes);
    [[nodiscard]] Task<Result<std::vector<std::uint32_t>>> run_search(SearchRun& run);
    [[nodiscard]] Task<Result<void>> search_index(const SearchRun& run, std::vector<SearchCandidate>& candidates,
                                                  std::vector<std::uint32_t>& found);
    [[nodiscard]] Task<Result<void>> search_envelopes(SearchRun& run, std::vector<SearchCandidate>& candidates,
                                                      std::vector<std::uint32_t>& found);
    [[nodiscard]] Task<Result<void>> search_bytes(SearchRun& run, std::span<const SearchCandidate> candidates,
                                                  std::vector<std::uint32_t>& found);
    [[nodiscard]] Task<Result<std::size_t>> load_search_batch(const SearchRun& run, SearchBatch& batch,
                                                              std::span<const SearchCandidate> candidates);
    [[nodiscard]] Task<void> tell_progress(SearchRun& run, std::uint64_t done);
    [[nodiscard]] Task<Result<std::vector<std::uint32_t>>> search_for(const Command& command, const SearchArguments& arguments);
    [[nodiscard]] Task<Reply> search_selected(const Command& command, const SearchArguments& arguments);
    [[nodiscard]] Result<ScopeMatcher> matcher_of(const MailboxScope& scope, const std::vector<std::string>& subscriptions) const;
    [[nodiscard]] Task<Result<std::vector<store::Folder>>> folders_in(const std::vector<MailboxScope>& scopes);
    [[nodiscard]] Task<Result<void>> search_folder(const Command& command, const SearchArguments& arguments,
                                                   const store::Folder& folder);
    [[nodiscard]] static SearchSummary summarize(FoundLists& lists, const service::FolderSnapshot& snapshot,
                                                 const SearchArguments& arguments, const std::vector<std::uint32_t>& found,
                                                 bool uid);
    [[nodiscard]] Reply keep_context(const Command& command, const SearchArguments& arguments,
                                     const std::vector<SortCriterion>& criteria, const std::vector<std::uint32_t>& found,
                                     Reply reply);
    [[nodiscard]] bool is_context(std::string_view tag) const;
    void tell_leaving(std::string& out, const service::FolderSnapshot& now);
    [[nodiscard]] Task<Result<std::vector<store::Uid>>> search_again(const SearchContext& context);
    void tell_difference(std::string& out, SearchContext& context, std::vector<store::Uid> found) const;
    [[nodiscard]] Task<void> update_contexts(std::string& out);
    [[nodiscard]] Task<void> catch_up(std::string& out, bool allow_expunge);
    [[nodiscard]] static Reply search_failed(const Error& error);
    void tell_found(const Command& command, const SearchArguments& arguments, std::string_view word,
                    const std::vector<std::uint32_t>& found);
    [[nodiscard]] Task<Result<std::vector<service::Facts>>> load_facts(std::span<const std::uint32_t> positions);
    [[nodiscard]] Task<Result<std::vector<std::uint32_t>>> sorted(const std::vector<SortCriterion>& criteria,
                                                                  std::vector<std::uint32_t> found);
    static void keep_part(Positions& positions, const PartialRange& range);
    void save_found(const SearchArguments& arguments, const std::vector<std::uint32_t>& found);
    [[nodiscard]] Task<Reply> copy_or_move(const Command& command, bool move);
    [[nodiscard]] Task<void> append_literal(Framer::Event event);
    [[nodiscard]] Task<void> take_pieces(const std::vector<AppendPiece>& pieces);
    [[nodiscard]] Task<std::optional<Reply>> begin_append(const AppendPiece& message);
    [[nodiscard]] Task<std::optional<Reply>> begin_replace();
    [[nodiscard]] std::optional<Reply> begin_literal(const AppendPiece& piece);
    [[nodiscard]] Task<bool> receive_message(std::uint64_t size);
    [[nodiscard]] Task<void> take_bytes(std::string_view bytes);
    [[nodiscard]] Task<void> append_url(std::string text);
    [[nodiscard]] Task<Result<std::string>> url_bytes(const std::string& text);
    void keep_message();
    [[nodiscard]] Task<Reply> commit_append(std::unique_ptr<AppendJob> job);
    [[nodiscard]] Task<Reply> commit_replace(std::unique_ptr<AppendJob> job);
    [[nodiscard]] Task<void> end_append();

    // one per command
    [[nodiscard]] Task<Reply> cmd_capability(const Command& command);
    [[nodiscard]] Task<Reply> cmd_noop(const Command& command);
    [[nodiscard]] Task<Reply> cmd_logout(const Command& command);
    [[nodiscard]] Task<Reply> cmd_id(const Command& command);
    [[nodiscard]] Task<Reply> cmd_starttls(const Command& command);
    [[nodiscard]] Task<Reply> cmd_authenticate(const Command& command);
    [[nodiscard]] Task<Reply> cmd_login(const Command& command);
    [[nodiscard]] Task<Reply> cmd_enable(const Command& command);
    [[nodiscard]] Task<Reply> cmd_compress(const Command& command);
    [[nodiscard]] Task<Reply> cmd_language(const Command& command);
    [[nodiscard]] Task<Reply> cmd_unauthenticate(const Command& command);
    [[nodiscard]] Task<Reply> cmd_select(const Command& command);
    [[nodiscard]] Task<Reply> cmd_create(const Command& command);
    [[nodiscard]] Task<Reply> cmd_delete(const Command& command);
    [[nodiscard]] Task<Reply> cmd_rename(const Command& command);
    [[nodiscard]] Task<Reply> cmd_subscribe(const Command& command);
    [[nodiscard]] Task<Reply> cmd_list(const Command& command);
    [[nodiscard]] Task<Reply> cmd_lsub(const Command& command);
    [[nodiscard]] Task<Result<void>> tell_quota();
    [[nodiscard]] Task<Reply> cmd_getquota(const Command& command);
    [[nodiscard]] Task<Reply> cmd_getquotaroot(const Command& command);
    [[nodiscard]] Task<Reply> cmd_namespace(const Command& command);
    [[nodiscard]] Task<Reply> cmd_getacl(const Command& command);
    [[nodiscard]] Task<Reply> cmd_setacl(const Command& command);
    [[nodiscard]] Task<Reply> cmd_listrights(const Command& command);
    [[nodiscard]] Task<Reply> cmd_myrights(const Command& command);
    [[nodiscard]] Task<Reply> cmd_getmetadata(const Command& command);
    [[nodiscard]] Task<Reply> cmd_setmetadata(const Command& command);
    [[nodiscard]] Task<Reply> cmd_status(const Command& command);
    [[nodiscard]] Task<Reply> cmd_append(const Command& command);
    [[nodiscard]] Task<Reply> cmd_idle(const Command& command);
    [[nodiscard]] Task<Reply> cmd_notify(const Command& command);
    [[nodiscard]] Task<Reply> cmd_close(const Command& command);
    [[nodiscard]] Task<Reply> cmd_unselect(const Command& command);
    [[nodiscard]] Task<Reply> cmd_expunge(const Command& command);
    [[nodiscard]] Task<Reply> cmd_search(const Command& command);
    [[nodiscard]] Task<Reply> cmd_esearch(const Command& command);
    [[nodiscard]] Task<Reply> cmd_cancelupdate(const Command& command);
    [[nodiscard]] Task<Reply> cmd_sort(const Command& command);
    [[nodiscard]] Task<Reply> cmd_thread(const Command& command);
    [[nodiscard]] Task<Reply> cmd_fetch(const Command& command);
    [[nodiscard]] Task<Reply> cmd_store(const Command& command);
    [[nodiscard]] Task<Reply> cmd_copy(const Command& command);
    [[nodiscard]] Task<Reply> cmd_move(const Command& command);

    Services services_;
    Profile profile_;
    std::unique_ptr<net::Stream> stream_;
    net::Reader reader_;
    std::string id_;
    Framer framer_;
    State state_ = State::greeted;
    std::string out_;      ///< responses not yet written: pipelined commands share one write
    bool broken_ = false;  ///< the client cannot be reached any more
    bool compressed_ = false;
    bool accompanied_ = false; ///< the companion lives
    bool rev2_ = false, utf8_accept_ = false, condstore_ = false, qresync_ = false,
         uid_only_ = false; ///< enabled
    unsigned errors_ = 0;   ///< BAD answers
    SteadyTime waiting_since_{}; ///< for the command that comes
    unsigned failures_ = 0; ///< failed sign-ins
    service::MailboxPtr mailbox_;
    std::shared_ptr<void> watch_; ///< for a revoked sign-in
    std::optional<Selected> selected_;
    std::vector<store::ModSeq> own_changes_; ///< of this command, told already; ascending
    std::unique_ptr<AppendJob> append_;
    std::vector<std::unique_ptr<SearchContext>> contexts_;
    std::unique_ptr<Notifications> notify_;

    std::shared_ptr<Doorbell> doorbell_ = std::make_shared<Doorbell>();
    bool idling_ = false;    ///< the companion may write
    bool pushing_ = false;   ///< the companion is writing
    bool pending_ = false;   ///< something changed while nothing could be told
    bool reading_ = false;   ///< the main coroutine waits for the client
    async::Signal quiet_;    ///< the companion has written
};

} // namespace mail::imap
