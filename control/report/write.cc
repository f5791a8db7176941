#include "control/report/write.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace lapse::report {

absl::Status write_file(const std::string& path, std::string_view content) {
  errno = 0;
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) {
    return absl::PermissionDeniedError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  }
  const bool written = std::fwrite(content.data(), 1, content.size(), file) == content.size();
  const int error = errno;
  const bool closed = std::fclose(file) == 0;
  if (!written || !closed) {
    return absl::DataLossError(
        absl::StrCat("cannot write all of ", path, ": ", std::strerror(written ? errno : error)));
  }
  return absl::OkStatus();
}

}  // namespace lapse::report
