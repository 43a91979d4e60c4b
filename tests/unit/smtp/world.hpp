// A small mail server in memory for session tests: one domain example.test, a few mailboxes, sessions over script and
// memory streams.
#pragma once

#include "common/async/runtime.hpp"
#include "maild/service/delivery.hpp"
#include "maild/service/sending.hpp"
#include "maild/service/sign_in.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/service/stories.hpp"
#include "maild/smtp/session.hpp"
#include "maild/store/store.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mail::smtp::test {

class World {
  public:
    explicit World(const Clock& clock = system_clock());
    ~World();

    struct MailboxSpec {
        std::string name;
        std::string password;
        std::string extra; ///< further JSON members, each with a leading comma
    };
    void add_mailbox(const MailboxSpec& mailbox);
    void add(std::string kind, std::string name, std::string spec, std::vector<std::string> addresses = {});

    /// Everything the server says to `input`, which arrives in pieces of `piece` bytes and then ends.
    [[nodiscard]] std::string talk(const Profile& profile, std::string input, std::size_t piece = 65536);
    /// The same with the stream's ender() used before the first line is read.
    [[nodiscard]] std::string talk_stopped(const Profile& profile, std::string input);
    /// Lock step over a memory stream: a step "> text" sends a line, "< prefix" expects a line that begins so; "! tls"
    /// makes the handshake; "< scram USER PASSWORD CODE" signs in; "< EOF" expects the end. Returns the first step that went wrong with what came instead.
    [[nodiscard]] std::string converse(const Profile& profile, std::vector<std::string> steps);

    /// talk() without any effect, as mailbox `sign_in` if it is not empty.
    struct Rehearsed {
        std::string output;
        std::optional<store::Story> story;
    };
    [[nodiscard]] Rehearsed rehearse(const Profile& profile, std::string input, std::string_view sign_in = {});

    /// Bytes of all messages in a mailbox's folder INBOX, oldest first.
    [[nodiscard]] std::vector<std::string> inbox(std::string_view mailbox);
    [[nodiscard]] std::vector<store::QueueItem> queue();
    [[nodiscard]] std::string stored(const store::BlobRef& blob);

    /// Stories of messages and of refused transactions, oldest first.
    [[nodiscard]] std::vector<store::Story> stories();

    [[nodiscard]] Profile mx() const;
    [[nodiscard]] Profile submission() const; ///< with plaintext AUTH, no TLS
    [[nodiscard]] Profile lmtp() const;
    [[nodiscard]] std::shared_ptr<const net::TlsServer> tls() const { return tls_; }
    [[nodiscard]] Services services();
    ByteBudget budget;

  private:
    [[nodiscard]] std::string verifier(const std::string& password);
    const Clock& clock_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<service::Config> config_;
    std::unique_ptr<service::Directory> directory_;
    std::unique_ptr<async::WorkerPool> pool_;
    std::unique_ptr<service::SignIn> sign_in_;
    std::unique_ptr<service::Delivery> delivery_;
    std::unique_ptr<service::Stories> stories_;
    std::unique_ptr<service::Sending> sending_;
    std::shared_ptr<const net::TlsServer> tls_;
};

/// A whole transaction up to and without DATA.
[[nodiscard]] std::string envelope(std::string_view from, std::vector<std::string_view> to, std::string_view hello = "EHLO");

} // namespace mail::smtp::test
