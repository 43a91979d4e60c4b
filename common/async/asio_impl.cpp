// Asio's separately compiled part, built once for all programs.
#include <boost/asio/impl/src.hpp>
