// Api: the admin API's routes over one HTTP connection (house rules: /v1 changes only by addition). Each route states who
// may call it; every write is planned and applied through Resources or the queue store and says who asked.
#pragma once

#include "common/net/http.hpp"
#include "common/net/listener.hpp"
#include "maild/admin/mail_routes.hpp"
#include "maild/admin/resources.hpp"
#include "maild/service/changes.hpp"
#include "maild/service/rehearsal.hpp"
#include "maild/service/stories.hpp"

#include <boost/json/fwd.hpp>
#include <functional>
#include <memory>
#include <string>

namespace mail::queue {
class StageWatcher;
struct Way;
}
namespace mail::service {
class Directory;
class Config;
class Mailboxes;
class Recovery;
struct RestoreOutcome;
class Sending;
class SignIn;
}
namespace mail::store {
struct Folder;
}

namespace mail::admin {

/// What the composition root tells about the running server.
struct ServerView {
    std::function<boost::json::object()> status;  ///< body of GET /v1/status, without counters of the queue
    std::function<std::string()> metrics;         ///< further lines for GET /metrics
    std::function<void()> reindex{};              ///< POST /v1/reindex; null: there is no index
};

/// Everything the routes work with; all of it outlives every connection.
struct Services {
    store::Store& store;
    Resources& resources;
    service::ChangeBus& bus;
    ServerView server;
    const Clock& clock;
    std::function<bool()> stopping; ///< streams end when it says so
    /// Where mail would go; null: nothing leaves.
    std::function<Task<Result<queue::Way>>(std::string sender, std::string recipient)> find_way{};
    service::Stories* stories = nullptr; ///< null: nothing is told
    service::Mailboxes* mailboxes = nullptr; ///< with the next two: null where there is no mail to look at
    service::Directory* directory = nullptr;
    service::SignIn* sign_in = nullptr;
    service::Sending* sending = nullptr; ///< null: this server sends none
    service::Recovery* recovery = nullptr; ///< with the next one: null where nothing is kept
    service::Config* config = nullptr;
    /// One transaction without effects; null: no mail is taken.
    std::function<Task<Result<service::Played>>(service::Play play)> play{};
    /// A delivery up to its envelope; null: nothing leaves.
    std::function<Task<Result<void>>(std::string sender, std::string recipient, queue::StageWatcher& watcher)> probe{};
};

/// Who is asking, from the socket's credentials.
struct Caller {
    std::string actor; ///< "uid:0"
    bool allowed = false;
};

class Api final : public net::HttpHandler {
  public:
    Api(Services& services, Caller caller) : services_(services), caller_(std::move(caller)) {}

    [[nodiscard]] Task<net::HttpResponse> handle(net::HttpRequest request) override;
    [[nodiscard]] std::size_t body_limit(const net::HttpRequest& head) const override;
    [[nodiscard]] std::optional<net::HttpResponse> reject(const net::HttpRequest& head) override;
    [[nodiscard]] net::HttpResponse problem(int status, std::string_view why) const override;

  private:
    using Reply = Task<net::HttpResponse>;
    [[nodiscard]] Reply dispatch(const net::HttpRequest& request);
    [[nodiscard]] net::HttpResponse health() const;
    // resource_routes.cpp
    [[nodiscard]] Reply resource(const schema::Kind& kind, const net::HttpRequest& request);
    [[nodiscard]] Reply list(const schema::Kind& kind, const net::HttpRequest& request);
    [[nodiscard]] Reply show(const schema::Kind& kind, std::string name);
    [[nodiscard]] Reply put(const schema::Kind& kind, std::string name, const net::HttpRequest& request, bool patch);
    [[nodiscard]] Reply remove(const schema::Kind& kind, std::string name, const net::HttpRequest& request);
    [[nodiscard]] Reply resource_action(const schema::Kind& kind, std::string name, const net::HttpRequest& request);
    // session_routes.cpp
    [[nodiscard]] Result<service::MailboxPtr> mailbox(const std::string& name) const;
    [[nodiscard]] Reply mail(const net::HttpRequest& request);
    [[nodiscard]] net::HttpResponse sessions(const std::string& name) const;
    [[nodiscard]] net::HttpResponse kick(const std::string& name, const net::HttpRequest& request) const;
    // rights_routes.cpp
    [[nodiscard]] Task<Result<std::vector<store::Folder>>> own_folders(std::int64_t owner, std::string name);
    [[nodiscard]] Reply mailbox_folders(std::string name);
    [[nodiscard]] Reply mailbox_rights(std::string name, const net::HttpRequest& request);
    [[nodiscard]] Reply change_rights(std::string name, const net::HttpRequest& request, bool grant);
    // plan_routes.cpp
    [[nodiscard]] Reply plan(const net::HttpRequest& request, bool apply);
    [[nodiscard]] Reply export_documents(const net::HttpRequest& request);
    [[nodiscard]] Reply history(const net::HttpRequest& request);
    // queue_routes.cpp
    [[nodiscard]] Reply queue(const net::HttpRequest& request);
    [[nodiscard]] Reply queue_list(const net::HttpRequest& request);
    [[nodiscard]] Reply queue_action(const net::HttpRequest& request, std::string verb);
    /// What a change is about, as far as stories are told of it.
    [[nodiscard]] Task<std::vector<store::QueueItem>> touched_items(store::QueueFilter filter);
    [[nodiscard]] Reply queue_summary(const net::HttpRequest& request);
    [[nodiscard]] Reply queue_message(std::int64_t id);
    [[nodiscard]] Reply queue_way(const net::HttpRequest& request);
    // story_routes.cpp
    [[nodiscard]] Reply stories(const net::HttpRequest& request);
    [[nodiscard]] Reply story_list(const net::HttpRequest& request);
    [[nodiscard]] Reply story_transcript(std::string id);
    [[nodiscard]] Reply story_resubmit(std::string id);
    [[nodiscard]] Task<Result<store::Story>> find_story(std::string text);
    [[nodiscard]] Task<Result<std::vector<store::QueueItem>>> queued_of(Id message);
    [[nodiscard]] Task<Result<boost::json::object>> whole_story(store::Story story);
    /// What an administrator did to queue items, for their messages' stories.
    void tell_stories(const std::vector<store::QueueItem>& items, std::string_view verb, store::StoryMark mark);
    // directory_routes.cpp
    [[nodiscard]] net::HttpResponse resolve_address(const net::HttpRequest& request);
    // rehearsal_routes.cpp
    [[nodiscard]] Reply simulate(const net::HttpRequest& request);
    [[nodiscard]] net::HttpResponse doctor_deliver(const net::HttpRequest& request);
    // recovery_routes.cpp
    [[nodiscard]] Reply recoverable(std::string mailbox, const net::HttpRequest& request);
    [[nodiscard]] Reply restore(std::string mailbox, const net::HttpRequest& request);
    [[nodiscard]] Task<void> tell_restored(std::string mailbox, const service::RestoreOutcome& outcome);
    [[nodiscard]] Reply retention(std::string mailbox, const net::HttpRequest& request);
    /// Puts into a mailbox's status what of it can be restored, and whether it is held.
    [[nodiscard]] Task<void> add_recovery(std::string mailbox, boost::json::object& status);
    // removed_routes.cpp
    [[nodiscard]] Reply removed_mailboxes(const net::HttpRequest& request);
    [[nodiscard]] Reply reconnect(std::string mailbox, const net::HttpRequest& request);
    [[nodiscard]] Task<Result<store::RemovedAccount>> find_removed(std::string mailbox, store::AccountId id);
    // sending_routes.cpp
    [[nodiscard]] Reply freeze(std::string mailbox, const net::HttpRequest& request, bool frozen);
    /// Puts what a mailbox has sent and may send into its status.
    [[nodiscard]] Task<void> add_sending(const std::string& mailbox, boost::json::object& status);
    // store_routes.cpp
    [[nodiscard]] Reply store(const net::HttpRequest& request);
    [[nodiscard]] Reply compact(const net::HttpRequest& request);
    // status_routes.cpp
    [[nodiscard]] Reply status();
    [[nodiscard]] Reply metrics();
    [[nodiscard]] net::HttpResponse reindex(const net::HttpRequest& request);
    [[nodiscard]] net::HttpResponse log_tail(const net::HttpRequest& request);
    [[nodiscard]] net::HttpResponse watch(const net::HttpRequest& request);

    Services& services_;
    Caller caller_;
    std::unique_ptr<MailRoutes> mail_; ///< of the mailbox that was asked for last
};

} // namespace mail::admin
