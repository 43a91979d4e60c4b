// Beast's separately compiled part, as far as HTTP needs it.
#include <boost/beast/src.hpp>
