// The plain words of status codes: what a person reads in a report and can do about it.
#include "common/mail/dsn.hpp"

#include <array>

namespace mail {
namespace {

/// By subject and detail of RFC 3463 §3; the class is said elsewhere. Detail "" is the whole subject.
struct StatusWords {
    std::string_view code;
    std::string_view words;
};

constexpr std::array table{
    StatusWords{"1.1", "There is no mailbox of that name. Check the address for a typing error, or ask "
                       "the\r\nperson for the current address by other means."},
    StatusWords{"1.2",
                "The domain after the @ does not exist or does not take mail. Check it for a typing error."},
    StatusWords{"1.3",
                "The address is not written in a way that mail can be sent to. Check it for a typing error."},
    StatusWords{"1.6", "The mailbox has moved and left no new address. Ask the person for the current one."},
    StatusWords{"1.8",
                "The other server does not accept your sender address. Ask your administrator to check it."},
    StatusWords{"1.10",
                "The domain says that it takes no mail at all. Check the address for a typing error."},
    StatusWords{"2.1",
                "The mailbox is switched off and takes no mail. Try to reach the person by other means."},
    StatusWords{"2.2", "The mailbox is full. Try again later, or tell the person by other means."},
    StatusWords{"2.3", "The message is larger than that mailbox takes. Send a smaller message, or share "
                       "large files\r\nanother way."},
    StatusWords{"3.1", "The other server has no room for mail. Try again later."},
    StatusWords{"3.4", "The message is larger than the other server takes. Send a smaller message, or share "
                       "large\r\nfiles another way."},
    StatusWords{"4.1",
                "The other server did not answer. Check the address; if it is right, try again later."},
    StatusWords{"4.2", "The connection to the other server broke. Try again later."},
    StatusWords{"4.3", "The name of the other server could not be looked up. Check the address; if it is "
                       "right, try\r\nagain later."},
    StatusWords{"4.4", "No server for that domain was found. Check the address for a typing error."},
    StatusWords{"4.6", "The message went in a circle between servers. Tell your administrator."},
    StatusWords{"4.7", "The message could not be delivered in the time that is allowed. Check the address; "
                       "if it is\r\nright, send the message again or reach the person by other means."},
    StatusWords{"5.3",
                "The message had too many recipients for the other server. Send it to fewer at a time."},
    StatusWords{"6.1", "The other server does not take this kind of content. Send it in another form."},
    StatusWords{"6.3", "The message would have to be changed to be delivered, and that is not allowed. Send "
                       "it as\r\nplain text."},
    StatusWords{"6.7", "The address has letters that the other server cannot handle. Ask the person for an "
                       "address\r\nwith plain letters."},
    StatusWords{"7.1", "The other server refused the message by its rules. If you think that is a mistake, "
                       "ask the\r\nperson to let your mail in."},
    StatusWords{"7.8", "The servers could not agree on who you are. Tell your administrator."},
    StatusWords{"7.20", "The message had no valid signature. Tell your administrator."},
    StatusWords{
        "7.23",
        "The other server found that your server may not send for your domain. Tell your administrator."},
    StatusWords{"7.25",
                "The other server does not trust the address of your server. Tell your administrator."},
    StatusWords{"7.26",
                "The other server could not check that the message is from you. Tell your administrator."},
    StatusWords{"7.27", "The domain of your sender address does not take mail. Tell your administrator."},
    StatusWords{"1", "There is a problem with the address. Check it for a typing error."},
    StatusWords{"2",
                "The mailbox cannot take the message. Try again later, or tell the person by other means."},
    StatusWords{"3", "The other server cannot take the message at the moment. Try again later."},
    StatusWords{"4", "The way to the other server is broken. Try again later."},
    StatusWords{"5", "The two servers did not understand each other. Tell your administrator."},
    StatusWords{"6", "The other server cannot handle the content of the message. Send it in another form."},
    StatusWords{"7", "The other server refused the message by its rules. If you think that is a mistake, ask "
                     "the\r\nperson to let your mail in."},
};

} // namespace

std::string explain_status(std::string_view status) {
    const auto dot = status.find('.');
    const std::string_view code = dot == std::string_view::npos ? std::string_view{} : status.substr(dot + 1);
    for (const auto& row : table)
        if (row.code == code)
            return std::string(row.words);
    const std::string_view subject = code.substr(0, code.find('.'));
    for (const auto& row : table)
        if (!subject.empty() && row.code == subject)
            return std::string(row.words);
    return "No more is known. Try again later, and tell your administrator if it happens again.";
}

} // namespace mail
