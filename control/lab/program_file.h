// program_file.h - whether a program can be warped: whether the dynamic linker will load our libraries into it.
//
// Owner:    the caller.
// Memory:   reads the headers of a file, not all of it.
// Time:     none.
// Bytes:    little-endian ELF.
// Cost:     a few reads for each program.
// Lifetime: none.
// Spec:     elf(5), ld.so(8) "Secure-execution mode", execve(2) "Interpreter scripts".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "absl/status/statusor.h"

namespace lapse::lab {

enum class Linkage {
  kDynamic,  // by the C library's own linker: can be warped
  kStatic,
  kGo,           // asks the kernel for the time itself, whether linked or not
  kOtherLinker,  // musl and others, for which the libraries are not made
  kOtherWidth,   // not 64 bits
  kScript,       // its interpreter decides
  kUnknown,      // no ELF and no #!: a shell runs it
};

struct ProgramFile {
  Linkage linkage = Linkage::kUnknown;
  std::string interpreter;  // of a script
};

// 'content' is the whole file, or at least its headers with everything that they point to.
ProgramFile inspect(std::string_view content);

// Why 'program' cannot be warped when 'uid' runs it, naming the file and following #! lines; nothing when it can.
// kNotFound and kPermissionDenied as find_program().
absl::StatusOr<std::optional<std::string>> why_not_warpable(const std::string& program, const std::string& search_path,
                                                            uid_t uid);

}  // namespace lapse::lab
