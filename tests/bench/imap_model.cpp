#include "tests/bench/imap_model.hpp"

#include <algorithm>
#include <stdexcept>

namespace mail::bench {
namespace {

[[noreturn]] void wrong(const std::string& what) { throw std::runtime_error(what); }

void demand(bool holds, const std::string& what) {
    if (!holds)
        wrong(what);
}

constexpr std::string_view id_start = "Message-ID: <profile-";

} // namespace

std::string message_text(unsigned number) {
    const std::string n = std::to_string(number);
    std::string text = "From: Ann Archer <ann" + n + "@remote.test>\r\nTo: \"Load, Profile\" <profile@remote.test>\r\nSubject: =?utf-8?q?num=C3=A9ro_" + n +
                       "?=\r\nDate: Mon, 5 Feb 2024 10:00:00 +0000\r\n" + std::string(id_start) + n + "@remote.test>\r\n\r\n";
    const std::size_t size = 800 + number * 7919U % 5000;
    while (text.size() < size)
        text += "line of message " + n + " with some words in it, as people write them\r\n";
    return text;
}

std::optional<unsigned> number_of_message(std::string_view header) {
    const auto at = header.find(id_start);
    if (at == std::string_view::npos)
        return std::nullopt;
    return static_cast<unsigned>(std::stoul(std::string(header.substr(at + id_start.size(), 10))));
}

void ImapModel::take(std::string_view response, bool numbers_in_use) {
    ReplyCursor in(response);
    const bool is_number = !response.empty() && response.front() >= '0' && response.front() <= '9';
    if (!is_number) {
        if (in.skip("FLAGS")) {
            for (const Value& flag : in.value().items)
                keywords_.insert(flag.text);
        } else if (response.starts_with("OK [UIDVALIDITY ")) {
            const auto validity = static_cast<unsigned>(std::stoul(std::string(response.substr(16))));
            demand(mailbox_->uid_validity == 0 || mailbox_->uid_validity == validity, "UIDVALIDITY changed");
            mailbox_->uid_validity = validity;
        } else if (response.starts_with("BYE") || response.starts_with("BAD")) {
            wrong("the server said " + std::string(response));
        }
        return;
    }
    const unsigned number = in.number();
    if (in.skip("EXISTS")) {
        demand(number >= items_.size(), "EXISTS " + std::to_string(number) + " with " + std::to_string(items_.size()) + " messages known");
        items_.resize(number);
    } else if (in.skip("EXPUNGE")) {
        demand(!numbers_in_use, "EXPUNGE while message numbers are in use");
        demand(number >= 1 && number <= items_.size(), "EXPUNGE of a message that is not there");
        items_.erase(items_.begin() + (number - 1));
    } else if (in.skip("FETCH")) {
        const Value attributes = in.value();
        demand(in.at_end(), "text after FETCH");
        fetched(number, attributes, std::string(response));
    } else if (!in.skip("RECENT")) {
        wrong("an unknown response: " + std::string(response.substr(0, 60)));
    }
}

void ImapModel::fetched(unsigned number, const Value& attributes, const std::string& whole) {
    demand(number >= 1 && number <= items_.size(), "FETCH of a message that is not there");
    demand(attributes.is_list && attributes.items.size() % 2 == 0, "FETCH without pairs: " + whole.substr(0, 200));
    ModelItem& item = items_[number - 1];
    for (std::size_t i = 0; i < attributes.items.size(); i += 2) {
        const std::string& name = attributes.items[i].text;
        const Value& value = attributes.items[i + 1];
        if (name == "UID") {
            learn_uid(number - 1, static_cast<unsigned>(std::stoul(value.text)));
        } else if (name == "FLAGS") {
            learn_flags(item, value);
        } else if (name == "ENVELOPE") {
            demand(value.is_list && value.items.size() == 10, "an ENVELOPE without ten fields");
            if (const auto id = number_of_message("Message-ID: " + value.items[9].text))
                check_message(item, *id);
        } else if (name == "BODY[]") {
            const auto id = number_of_message(value.text);
            demand(id && value.text == message_text(*id), "a body that nobody appended");
            check_message(item, *id);
        }
    }
    if (checkpoint != nullptr)
        checkpoint->push_back(item);
}

void ImapModel::learn_uid(std::size_t index, unsigned uid) {
    ModelItem& item = items_[index];
    demand(item.uid == 0 || item.uid == uid, "a message changed its UID from " + std::to_string(item.uid) + " to " + std::to_string(uid));
    item.uid = uid;
    for (std::size_t i = index; i-- > 0;)
        if (items_[i].uid != 0) {
            demand(items_[i].uid < uid, "UIDs do not ascend");
            break;
        }
    for (std::size_t i = index + 1; i < items_.size(); ++i)
        if (items_[i].uid != 0) {
            demand(items_[i].uid > uid, "UIDs do not ascend");
            break;
        }
}

void ImapModel::learn_flags(ModelItem& item, const Value& flags) const {
    std::vector<std::string> words;
    for (const Value& flag : flags.items) {
        demand(flag.text.starts_with('\\') || keywords_.contains(flag.text), "keyword " + flag.text + " was not in FLAGS");
        if (flag.text != "\\Recent")
            words.push_back(flag.text);
    }
    std::sort(words.begin(), words.end());
    item.flags.emplace();
    for (const auto& word : words)
        *item.flags += word + ' ';
}

// Whoever saw this UID before saw the same message.
void ImapModel::check_message(const ModelItem& item, unsigned number) const {
    if (item.uid == 0)
        return;
    const auto [known, fresh] = mailbox_->messages.try_emplace(item.uid, number);
    demand(fresh || known->second == number, "UID " + std::to_string(item.uid) + " is another message");
}

} // namespace mail::bench
