#include "control/lab/files.h"

#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "control/lab/unique_fd.h"

namespace lapse::lab {

absl::Status errno_status(int error, const std::string& what) {
  return absl::ErrnoToStatus(error, what);
}

absl::StatusOr<std::string> read_file(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    return errno_status(errno, path);
  }
  std::string content;
  char chunk[16384];
  for (;;) {
    const ssize_t got = read(file.get(), chunk, sizeof(chunk));
    if (got < 0) {
      if (errno == EINTR) {
        continue;
      }
      return errno_status(errno, path);
    }
    if (got == 0) {
      return content;
    }
    content.append(chunk, static_cast<size_t>(got));
  }
}

absl::Status write_existing(const std::string& path, const std::string& content) {
  UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) {
    return errno_status(errno, path);
  }
  const ssize_t written = write(file.get(), content.data(), content.size());
  if (written < 0) {
    return errno_status(errno, path);
  }
  if (static_cast<size_t>(written) != content.size()) {
    return absl::InternalError(absl::StrCat(path, ": written in part"));
  }
  return absl::OkStatus();
}

absl::Status replace_file(const std::string& path, const std::string& content) {
  const std::string fresh = absl::StrCat(path, ".new");
  {
    UniqueFd file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file.valid()) {
      return errno_status(errno, fresh);
    }
    // Whatever the caller's umask: programs of the lab read it as other users.
    fchmod(file.get(), 0644);
    size_t done = 0;
    while (done < content.size()) {
      const ssize_t written = write(file.get(), content.data() + done, content.size() - done);
      if (written < 0) {
        return errno_status(errno, fresh);
      }
      done += static_cast<size_t>(written);
    }
  }
  if (rename(fresh.c_str(), path.c_str()) != 0) {
    return errno_status(errno, path);
  }
  return absl::OkStatus();
}

std::vector<std::string> last_lines(const std::string& path, size_t count) {
  std::ifstream file(path);
  std::deque<std::string> kept;
  for (std::string line; std::getline(file, line);) {
    kept.push_back(line);
    if (kept.size() > count) {
      kept.pop_front();
    }
  }
  return {kept.begin(), kept.end()};
}

namespace {

bool is_file(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

absl::StatusOr<std::string> find_program(const std::string& program, const std::string& search_path) {
  const auto refused = [](const std::string& path) {
    return absl::PermissionDeniedError(absl::StrCat(path, ": it is there, but may not be executed"));
  };
  if (program.find('/') != std::string::npos) {
    if (access(program.c_str(), F_OK) != 0) {
      return absl::NotFoundError(absl::StrCat(program, ": no such file"));
    }
    if (!is_file(program) || access(program.c_str(), X_OK) != 0) {
      return refused(program);
    }
    return program;
  }
  std::string found_but_refused;
  std::istringstream folders(search_path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string path = absl::StrCat(folder.empty() ? "." : folder, "/", program);
    if (is_file(path)) {
      if (access(path.c_str(), X_OK) == 0) {
        return path;
      }
      found_but_refused = path;
    }
  }
  if (!found_but_refused.empty()) {
    return refused(found_but_refused);
  }
  return absl::NotFoundError(absl::StrCat(program, ": command not found (PATH=", search_path, ")"));
}

}  // namespace lapse::lab
