// Resolver: one resolution under way, for the Directory alone: addresses still to follow, and what was reached.
#pragma once

#include "common/schema/kinds/domain.hpp"
#include "maild/service/directory.hpp"
#include "maild/service/snapshot.hpp"

#include <map>
#include <set>

namespace mail::service {

class Directory::Resolver {
  public:
    enum class Mode : std::uint8_t {
        delivery,  ///< where mail goes
        membership ///< who belongs to a group: no forwarding, no catch-all, nobody disabled is left out
    };
    Resolver(Directory& directory, const ConfigSnapshot& config, Mode mode)
        : directory_(directory), config_(config), mode_(mode) {}
    [[nodiscard]] Result<ResolutionPtr> run(const Address& address);
    /// The address that a domain's rewriting makes of one, by rules or as an alias of another domain; itself if none.
    [[nodiscard]] static Address rewritten(const ConfigSnapshot& config, const Address& address);

  private:
    using How = ResolutionStep::How;
    /// An address to follow, reached from the node `parent`.
    struct Open {
        Address address;
        std::size_t parent;
        int depth;
        bool addressed; ///< the sender's own words: only rewriting and aliases lie before it
    };
    struct Node {
        std::string key;
        std::size_t parent;
    };

    [[nodiscard]] Result<void> follow(const Open& open);
    [[nodiscard]] Result<void> lookup(const Open& open, const std::string& key);
    [[nodiscard]] Result<void> last_resort(const Open& open, const schema::Domain& domain);
    [[nodiscard]] bool rewrite(const Open& open, const schema::Domain& domain);
    [[nodiscard]] Result<void> follow_report(const Open& open);
    [[nodiscard]] Result<void> postmaster(const Open& open);
    void expand(const Open& open, How how, const std::string& name, const std::vector<std::string>& members, bool enabled);
    void add_mailbox(const Open& open, const MailboxPtr& mailbox);
    void add_remote(const Open& open, How how);
    void lead(const Open& open, How how, Address to, bool addressed);
    void note(How how, std::string from, std::string to = {});
    /// Whether `key` lies on the way to the node `from`; its circle is then remembered.
    void find_circle(const std::string& key, std::size_t from);

    Directory& directory_;
    const ConfigSnapshot& config_;
    const Mode mode_;
    std::vector<Open> open_;
    std::vector<Node> nodes_;
    std::size_t node_ = 0; ///< the one being followed
    std::set<std::string> seen_;
    std::set<store::AccountId> accounts_;
    std::shared_ptr<Resolution> out_ = std::make_shared<Resolution>();
    std::string circle_;
    bool disabled_ = false;
};

} // namespace mail::service
