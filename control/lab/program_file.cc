#include "control/lab/program_file.h"

#include <cerrno>
#include <cstring>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "control/lab/files.h"
#include "control/lab/unique_fd.h"

namespace lapse::lab {
namespace {

constexpr int kMostInterpreters = 5;

// A copy of the header at 'offset', or nothing where the file ends before it.
template <typename Header>
std::optional<Header> header_at(std::string_view content, uint64_t offset) {
  if (offset > content.size() || content.size() - offset < sizeof(Header)) {
    return std::nullopt;
  }
  Header header;
  std::memcpy(&header, content.data() + offset, sizeof(header));
  return header;
}

std::string_view slice(std::string_view content, uint64_t offset, uint64_t size) {
  return offset > content.size() ? std::string_view() : content.substr(offset, size);
}

bool note_is_from_go(std::string_view notes) {
  const auto note = header_at<Elf64_Nhdr>(notes, 0);
  return note && note->n_namesz == 4 && slice(notes, sizeof(Elf64_Nhdr), 4) == std::string_view("Go\0\0", 4);
}

bool has_go_sections(std::string_view content, const Elf64_Ehdr& elf) {
  const auto names = header_at<Elf64_Shdr>(content, elf.e_shoff + uint64_t{elf.e_shstrndx} * sizeof(Elf64_Shdr));
  if (elf.e_shoff == 0 || !names) {
    return false;
  }
  for (uint64_t i = 0; i < elf.e_shnum; ++i) {
    const auto section = header_at<Elf64_Shdr>(content, elf.e_shoff + i * sizeof(Elf64_Shdr));
    if (!section) {
      return false;
    }
    const std::string_view name = slice(content, names->sh_offset + section->sh_name, 32);
    const std::string_view text = name.substr(0, name.find('\0'));
    if (text == ".go.buildinfo" || text == ".note.go.buildid") {
      return true;
    }
  }
  return false;
}

Linkage inspect_elf(std::string_view content) {
  const auto elf = header_at<Elf64_Ehdr>(content, 0);
  if (!elf || content[EI_CLASS] != ELFCLASS64 || content[EI_DATA] != ELFDATA2LSB) {
    return Linkage::kOtherWidth;
  }
  std::string_view linker;
  bool go = has_go_sections(content, *elf);
  for (uint64_t i = 0; i < elf->e_phnum; ++i) {
    const auto segment = header_at<Elf64_Phdr>(content, elf->e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) {
      break;
    }
    const std::string_view body = slice(content, segment->p_offset, segment->p_filesz);
    if (segment->p_type == PT_INTERP) {
      linker = body.substr(0, body.find('\0'));
    } else if (segment->p_type == PT_NOTE) {
      go = go || note_is_from_go(body);
    }
  }
  if (go) {
    return Linkage::kGo;
  }
  if (linker.empty()) {
    return Linkage::kStatic;
  }
  return linker.find("/ld-linux") == std::string_view::npos ? Linkage::kOtherLinker : Linkage::kDynamic;
}

std::string script_interpreter(std::string_view content) {
  std::string_view line = content.substr(2, std::min<size_t>(content.find('\n'), 256) - 2);
  const absl::string_view text = absl::StripAsciiWhitespace(absl::string_view(line.data(), line.size()));
  return std::string(text.substr(0, text.find_first_of(" \t")));
}

// The word after `env` in "#!/usr/bin/env python3", found as env finds it.
std::string word_after_env(std::string_view content) {
  const size_t end = std::min(content.find('\n'), content.size());
  const absl::string_view line(content.data() + 2, end - 2);
  absl::string_view rest = absl::StripAsciiWhitespace(line);
  rest = absl::StripAsciiWhitespace(rest.substr(std::min(rest.find_first_of(" \t"), rest.size())));
  if (rest.substr(0, 2) == "-S") {
    rest = absl::StripAsciiWhitespace(rest.substr(2));
  }
  return std::string(rest.substr(0, rest.find_first_of(" \t")));
}

struct Mapped {
  explicit Mapped(int fd) {
    struct stat status {};
    if (fstat(fd, &status) == 0 && status.st_size > 0) {
      size = static_cast<size_t>(status.st_size);
      data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
  }
  ~Mapped() {
    if (data != MAP_FAILED) {
      munmap(data, size);
    }
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  std::string_view text() const {
    return data == MAP_FAILED ? std::string_view() : std::string_view(static_cast<const char*>(data), size);
  }

  void* data = MAP_FAILED;
  size_t size = 0;
};

// The kernel drops the preload of a program that gains rights by being started.
bool gains_rights(const std::string& path, uid_t uid) {
  struct stat status {};
  if (uid == 0 || stat(path.c_str(), &status) != 0) {
    return false;
  }
  const bool changes_user = (status.st_mode & S_ISUID) != 0 && status.st_uid != uid;
  const bool changes_group = (status.st_mode & S_ISGID) != 0;
  return changes_user || changes_group || getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

std::optional<std::string> reason(Linkage linkage) {
  switch (linkage) {
    case Linkage::kStatic:
      return "it is linked statically, so no library can be put before it";
    case Linkage::kGo:
      return "it is a Go program, which asks the kernel for the time itself";
    case Linkage::kOtherLinker:
      return "it uses another C library than this machine's, so the warp's libraries do not fit";
    case Linkage::kOtherWidth:
      return "it is not a 64-bit program of this machine, so the warp's libraries do not fit";
    case Linkage::kDynamic:
    case Linkage::kScript:
    case Linkage::kUnknown:
      break;
  }
  return std::nullopt;
}

}  // namespace

ProgramFile inspect(std::string_view content) {
  if (content.substr(0, SELFMAG) == std::string_view(ELFMAG, SELFMAG)) {
    return {content.size() < EI_NIDENT ? Linkage::kOtherWidth : inspect_elf(content), ""};
  }
  if (content.substr(0, 2) == "#!") {
    return {Linkage::kScript, script_interpreter(content)};
  }
  return {};
}

absl::StatusOr<std::optional<std::string>> why_not_warpable(const std::string& program, const std::string& search_path,
                                                            uid_t uid) {
  std::string name = program;
  std::string prefix;
  for (int depth = 0; depth < kMostInterpreters; ++depth) {
    const auto path = find_program(name, search_path);
    if (!path.ok()) {
      return path.status();
    }
    UniqueFd file(open(path->c_str(), O_RDONLY | O_CLOEXEC));
    const Mapped content(file.get());
    const ProgramFile found = inspect(content.text());
    if (found.linkage == Linkage::kScript) {
      absl::StrAppend(&prefix, *path, " is a script for ");
      const bool env =
          found.interpreter.size() >= 4 && found.interpreter.substr(found.interpreter.size() - 4) == "/env";
      name = env ? word_after_env(content.text()) : found.interpreter;
      continue;
    }
    if (gains_rights(*path, uid)) {
      return absl::StrCat(prefix, *path, ": it gains rights when it is started (setuid or file capabilities), and the ",
                          "kernel lets no library be put before such a program");
    }
    const auto why = reason(found.linkage);
    return why ? std::optional(absl::StrCat(prefix, *path, ": ", *why)) : std::nullopt;
  }
  return absl::StrCat(program, ": its interpreters are nested too deep");
}

}  // namespace lapse::lab
