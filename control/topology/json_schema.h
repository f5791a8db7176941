// json_schema.h - a table of keys as a JSON Schema, for editors and other programs.
//
// Owner:    none; a pure function.
// Memory:   allocates the text.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     JSON Schema draft-07, which editors and Debian's python3-jsonschema both know. It refuses nothing that the
//           loader accepts; what holds between objects (names, subnets, next hops) only the loader knows.
#pragma once

#include <string>
#include <string_view>

#include "control/topology/schema.h"

namespace lapse::topology {

// The schema of a file that has the keys of 'root', indented, in the order of the tables.
std::string json_schema(const Object& root, std::string_view title);

}  // namespace lapse::topology
