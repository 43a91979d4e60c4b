// The only file that includes Catch2, so that another version is a change in one place.
#pragma once
#include <catch2/catch.hpp>
