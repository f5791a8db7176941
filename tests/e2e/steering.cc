#include "tests/e2e/steering.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lapse::test {
namespace {

namespace fs = std::filesystem;

std::string error(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

class Descriptor {
 public:
  explicit Descriptor(long fd) : fd_(static_cast<int>(fd)) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// `return queue;`
long load_program(int queue) {
  bpf_insn instructions[2] = {};
  instructions[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  instructions[0].dst_reg = BPF_REG_0;
  instructions[0].imm = queue;
  instructions[1].code = BPF_JMP | BPF_EXIT;
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  attributes.insn_cnt = 2;
  attributes.insns = reinterpret_cast<uint64_t>(instructions);
  attributes.license = reinterpret_cast<uint64_t>("GPL");
  return syscall(__NR_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes));
}

pid_t data_plane_of(const Lab& lab) {
  const std::string process = "/proc/" + std::to_string(lab.pid());
  std::ifstream children(process + "/task/" + std::to_string(lab.pid()) + "/children");
  for (pid_t child = 0; children >> child;) {
    std::string name;
    std::ifstream("/proc/" + std::to_string(child) + "/comm") >> name;
    if (name == "lapse-dataplane") {
      return child;
    }
  }
  return -1;
}

bool is_queue_of(int descriptor, const std::string& tap) {
  ifreq request{};
  return ioctl(descriptor, TUNGETIFF, &request) == 0 && tap == request.ifr_name;
}

}  // namespace

std::string steer_to_queue(const Lab& lab, const std::string& tap, int queue) {
  const Descriptor program(load_program(queue));
  if (program.get() < 0) {
    return error("loading a program into the kernel");
  }
  const pid_t pid = data_plane_of(lab);
  const Descriptor process(syscall(SYS_pidfd_open, pid, 0));
  if (process.get() < 0) {
    return error("the data plane's process");
  }
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code gone;
    if (fs::read_symlink(entry.path(), gone) != "/dev/net/tun") {
      continue;
    }
    const Descriptor copy(syscall(SYS_pidfd_getfd, process.get(), std::stoi(entry.path().filename()), 0));
    if (copy.get() < 0) {
      return error("copying a descriptor");
    }
    if (is_queue_of(copy.get(), tap)) {
      int fd = program.get();
      return ioctl(copy.get(), TUNSETSTEERINGEBPF, &fd) == 0 ? "" : error("TUNSETSTEERINGEBPF");
    }
  }
  return "the data plane has no queue of " + tap;
}

}  // namespace lapse::test
