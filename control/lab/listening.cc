#include "control/lab/listening.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace lapse::lab {

bool listens_on(std::string_view table, uint16_t port) {
  constexpr absl::string_view kListen = "0A";
  for (const absl::string_view line : absl::StrSplit(absl::string_view(table.data(), table.size()), '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (fields.size() < 4 || fields[3] != kListen) {
      continue;
    }
    const std::vector<absl::string_view> local = absl::StrSplit(fields[1], ':');
    uint32_t number = 0;
    if (local.size() == 2 && absl::SimpleHexAtoi(local[1], &number) && number == port) {
      return true;
    }
  }
  return false;
}

}  // namespace lapse::lab
