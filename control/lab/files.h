// files.h - small whole files: the kernel's and our own.
//
// Owner:    the caller.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a few system calls.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lapse::lab {

// "WHAT: No such file or directory", with the code that fits 'error'.
absl::Status errno_status(int error, const std::string& what);

absl::StatusOr<std::string> read_file(const std::string& path);

// One write() into an existing file, as /proc wants it.
absl::Status write_existing(const std::string& path, const std::string& content);

// Readers see the old content or the new one, never a part.
absl::Status replace_file(const std::string& path, const std::string& content);

// The last 'count' lines, for messages about services; empty when the file cannot be read.
std::vector<std::string> last_lines(const std::string& path, size_t count);

// Where a shell would find 'program'; kNotFound, or kPermissionDenied where it may not be executed.
absl::StatusOr<std::string> find_program(const std::string& program, const std::string& search_path);

}  // namespace lapse::lab
