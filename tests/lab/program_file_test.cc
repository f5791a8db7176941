// Which programs can be warped: told from the headers of their files.
#include "control/lab/program_file.h"

#include <cstring>
#include <filesystem>
#include <fstream>

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace lapse::lab {
namespace {

struct Segment {
  uint32_t type;
  std::string body;
};

std::string elf_file(const std::vector<Segment>& segments) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_phoff = sizeof(header);
  header.e_phnum = static_cast<uint16_t>(segments.size());
  std::string file(reinterpret_cast<const char*>(&header), sizeof(header));
  uint64_t offset = sizeof(header) + segments.size() * sizeof(Elf64_Phdr);
  std::string bodies;
  for (const Segment& segment : segments) {
    Elf64_Phdr entry{};
    entry.p_type = segment.type;
    entry.p_offset = offset + bodies.size();
    entry.p_filesz = segment.body.size();
    file.append(reinterpret_cast<const char*>(&entry), sizeof(entry));
    bodies += segment.body;
  }
  return file + bodies;
}

const std::string kGlibc("/lib64/ld-linux-x86-64.so.2\0", 28);
const std::string kMusl("/lib/ld-musl-x86_64.so.1\0", 25);

std::string go_note() {
  Elf64_Nhdr note{4, 4, 4};
  return std::string(reinterpret_cast<const char*>(&note), sizeof(note)) + std::string("Go\0\0", 4) + "abcd";
}

TEST(Inspect, TellsLinkagesApart) {
  EXPECT_EQ(inspect(elf_file({{PT_INTERP, kGlibc}})).linkage, Linkage::kDynamic);
  EXPECT_EQ(inspect(elf_file({{PT_LOAD, "x"}})).linkage, Linkage::kStatic);
  EXPECT_EQ(inspect(elf_file({{PT_INTERP, kMusl}})).linkage, Linkage::kOtherLinker);
  EXPECT_EQ(inspect(elf_file({{PT_NOTE, go_note()}})).linkage, Linkage::kGo);
  EXPECT_EQ(inspect(elf_file({{PT_INTERP, kGlibc}, {PT_NOTE, go_note()}})).linkage, Linkage::kGo);
  std::string narrow = elf_file({{PT_INTERP, kGlibc}});
  narrow[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(inspect(narrow).linkage, Linkage::kOtherWidth);
}

TEST(Inspect, ReadsTheInterpreterOfAScript) {
  const ProgramFile script = inspect("#! /usr/bin/python3 -u\nprint()\n");
  EXPECT_EQ(script.linkage, Linkage::kScript);
  EXPECT_EQ(script.interpreter, "/usr/bin/python3");
  EXPECT_EQ(inspect("echo\n").linkage, Linkage::kUnknown);
  EXPECT_EQ(inspect("").linkage, Linkage::kUnknown);
}

TEST(Inspect, DamagedHeadersAreNoCrash) {
  const std::string whole = elf_file({{PT_INTERP, kGlibc}, {PT_NOTE, go_note()}});
  for (size_t size = 0; size < whole.size(); ++size) {
    inspect(whole.substr(0, size));
  }
  for (size_t at = SELFMAG; at < sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(0xff);
    inspect(damaged);
  }
}

class ProgramFolder : public testing::Test {
 protected:
  void SetUp() override {
    char made[] = "/tmp/lapse-programs-XXXXXX";
    ASSERT_NE(mkdtemp(made), nullptr);
    folder_ = made;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string add(const std::string& name, const std::string& content, mode_t mode = 0755) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    chmod(path.c_str(), mode);
    return path;
  }
  std::string why(const std::string& program, uid_t uid = 12345) {
    const auto result = why_not_warpable(program, folder_, uid);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() && *result ? **result : "";
  }

  std::string folder_;
};

TEST_F(ProgramFolder, AStaticProgramAndAScriptForItAreNamed) {
  const std::string tool = add("tool", elf_file({{PT_LOAD, "x"}}));
  add("direct", "#!" + tool + "\n");
  add("by-env", "#!/usr/bin/env tool\n");
  EXPECT_NE(why("tool").find("statically"), std::string::npos);
  EXPECT_NE(why("direct").find(tool + ": it is linked statically"), std::string::npos);
  EXPECT_NE(why("by-env").find("statically"), std::string::npos);
}

TEST_F(ProgramFolder, AProgramThatGainsRightsIsNamedButNotForRoot) {
  const std::string path = add("suid", elf_file({{PT_INTERP, kGlibc}}), 04755);
  EXPECT_NE(why(path).find("gains rights"), std::string::npos);
  EXPECT_EQ(why(path, 0), "");
}

TEST_F(ProgramFolder, AnOrdinaryProgramCanBeWarped) {
  EXPECT_EQ(why(add("plain", elf_file({{PT_INTERP, kGlibc}}))), "");
  EXPECT_EQ(why("/bin/sh"), "");
}

TEST_F(ProgramFolder, ScriptsThatNameThemselvesEnd) {
  const std::string path = folder_ + "/loop";
  add("loop", "#!" + path + "\n");
  EXPECT_NE(why(path).find("nested"), std::string::npos);
}

}  // namespace
}  // namespace lapse::lab
