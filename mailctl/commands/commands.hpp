// Every hand-written noun with the function that describes its commands; nouns.cpp lists them.
#pragma once

#include "mailctl/command.hpp"

#include <vector>

namespace mail::schema {
struct Kind;
}

namespace mail::mailctl {

struct View;

[[nodiscard]] std::vector<CommandSpec> queue_commands();
[[nodiscard]] std::vector<CommandSpec> why_commands();
[[nodiscard]] std::vector<CommandSpec> message_commands();
[[nodiscard]] std::vector<CommandSpec> simulate_commands();
[[nodiscard]] std::vector<CommandSpec> doctor_commands();
[[nodiscard]] std::vector<CommandSpec> status_commands();
[[nodiscard]] std::vector<CommandSpec> store_commands();
[[nodiscard]] std::vector<CommandSpec> log_commands();
[[nodiscard]] std::vector<CommandSpec> watch_commands();
[[nodiscard]] std::vector<CommandSpec> history_commands();
[[nodiscard]] std::vector<CommandSpec> apply_commands();
[[nodiscard]] std::vector<CommandSpec> plan_commands();
[[nodiscard]] std::vector<CommandSpec> export_commands();
[[nodiscard]] std::vector<CommandSpec> validate_commands();
[[nodiscard]] std::vector<CommandSpec> explain_commands();
[[nodiscard]] std::vector<CommandSpec> schema_commands();
[[nodiscard]] std::vector<CommandSpec> completion_commands();
/// A verb of kinds whose name is an address that stands for others.
[[nodiscard]] CommandSpec expand_command(const schema::Kind& kind);
/// Verbs of the kind mailbox.
[[nodiscard]] std::vector<CommandSpec> mailbox_commands();
[[nodiscard]] CommandSpec mailbox_import_command();
[[nodiscard]] CommandSpec mailbox_export_command();
/// Verbs of the kind mailbox: folders, rights, grant, revoke.
[[nodiscard]] std::vector<CommandSpec> rights_commands(const schema::Kind& kind);
[[nodiscard]] std::vector<CommandSpec> freeze_commands(const schema::Kind& kind);
/// Verbs of the kind mailbox: share, unshare.
[[nodiscard]] std::vector<CommandSpec> share_commands(const schema::Kind& kind);
/// Verbs of the kind mailbox: recoverable, restore, hold, unhold.
[[nodiscard]] std::vector<CommandSpec> recovery_commands(const schema::Kind& kind);
/// A verb of the kind retention.
[[nodiscard]] CommandSpec retention_test_command();
/// Columns of removed mailboxes.
[[nodiscard]] const View& removed_view();
[[nodiscard]] CommandSpec quota_command(const schema::Kind& kind);
/// A verb of the kind route.
[[nodiscard]] CommandSpec route_test_command();

} // namespace mail::mailctl
