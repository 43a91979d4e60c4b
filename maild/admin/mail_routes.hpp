// MailRoutes: what is in a mailbox, for import, export and care: /v1/mailboxes/{name}/mail. One per connection, for an import
// keeps its folder open from batch to batch. Everything is read and written by the verbs of service::Mailboxes.
//
//   GET  mail                             folders with their counts, usage
//   POST mail/import?folder=&dry_run=1    a message batch; answers {added, uids}
//   GET  mail/export?folder=&after=UID    a message batch, empty at the end; the whole of some messages, at least one
//   POST mail/flags                       {folder, changes: [{uid, flags}]}
//   GET  mail/state?name=  PUT mail/state {name, value}   what a repeated import remembers
//   GET  mail/verify?folder=&after=UID    reads bytes and checksums; {checked, bytes, damaged, next}
#pragma once

#include "common/net/http.hpp"
#include "maild/service/mail_import.hpp"
#include "maild/store/store.hpp"

#include <boost/json/fwd.hpp>
#include <memory>

namespace mail::admin {

class MailRoutes {
  public:
    MailRoutes(store::Store& store, service::Mailboxes& mailboxes, service::MailboxPtr owner)
        : store_(store), mailboxes_(mailboxes), owner_(owner), import_(mailboxes, std::move(owner)) {}

    [[nodiscard]] const service::MailboxPtr& owner() const noexcept { return owner_; }
    /// `request` is one of those above.
    [[nodiscard]] Task<net::HttpResponse> handle(const net::HttpRequest& request);
    /// Whether a request may bring a body as large as a whole batch.
    [[nodiscard]] static bool takes_batch(const net::HttpRequest& head);

  private:
    using Reply = Task<net::HttpResponse>;
    template <class T> using Try = Task<Result<T>>;
    [[nodiscard]] Reply summary();
    [[nodiscard]] Reply import(const net::HttpRequest& request);
    [[nodiscard]] Reply export_messages(const net::HttpRequest& request);
    [[nodiscard]] Reply change_flags(const net::HttpRequest& request);
    [[nodiscard]] Reply state(const net::HttpRequest& request);
    [[nodiscard]] Reply put_state(const net::HttpRequest& request);
    [[nodiscard]] Reply verify(const net::HttpRequest& request);
    /// What ?folder=&after= ask for.
    struct Place {
        service::SnapshotPtr folder;
        store::Uid after = 0;
    };
    [[nodiscard]] Try<Place> place(const net::HttpRequest& request);
    [[nodiscard]] Try<service::SnapshotPtr> snapshot(std::string folder);
    [[nodiscard]] Try<std::string> batch_after(service::SnapshotPtr snapshot, store::Uid after);
    [[nodiscard]] Try<void> apply_flags(store::FolderId folder, const boost::json::array& changes);

    store::Store& store_;
    service::Mailboxes& mailboxes_;
    service::MailboxPtr owner_;
    service::MailImport import_;
    std::shared_ptr<service::Mailboxes::OpenFolder> open_; ///< that was read last
};

} // namespace mail::admin
