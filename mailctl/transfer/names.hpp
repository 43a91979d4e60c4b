// Names of folders as names of files and back. Pure. Two ways: Maildir++ (".Work.2024", levels in modified UTF-7 with "." as
// "&AC4-"), and one directory per level ("Work/2024") with what a file system or this program would take for something
// else written as %XX ("%" itself cannot be in the name of a folder).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail::mailctl {

/// "Work/2024" -> ".Work.2024".
[[nodiscard]] std::string maildir_folder(std::string_view folder);
/// ".Work.2024" -> "Work/2024"; nullopt when it is none, or has empty levels.
[[nodiscard]] std::optional<std::string> folder_of_maildir(std::string_view directory);
/// One level as a file name.
[[nodiscard]] std::string file_name_of(std::string_view level);
/// A file name as one level; nullopt when no folder can be called that ("..", control characters, "*", bytes that are no UTF-8).
[[nodiscard]] std::optional<std::string> level_of(std::string_view file_name);
/// "Work/2024" with each level as its file name.
[[nodiscard]] std::string path_of_folder(std::string_view folder);

} // namespace mail::mailctl
