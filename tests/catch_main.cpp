// Catch2's own main, compiled once into one library.
#define CATCH_CONFIG_MAIN
#include "tests/catch.hpp"
