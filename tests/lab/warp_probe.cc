// Runs under the preload library and prints what the kernel got, asked past every library.
#include <cstdio>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

namespace {

// The library puts itself before syscall() as well, but leaves this number alone.
long kernel_get(int fd, int level, int option, void* value, socklen_t size) {
  return syscall(SYS_getsockopt, fd, level, option, value, &size);
}

void integer(int fd, const char* name, int option, int wanted) {
  const int result = setsockopt(fd, IPPROTO_TCP, option, &wanted, sizeof(wanted));
  int kernel = -1;
  kernel_get(fd, IPPROTO_TCP, option, &kernel, sizeof(kernel));
  int own = -1;
  socklen_t size = sizeof(own);
  getsockopt(fd, IPPROTO_TCP, option, &own, &size);
  std::printf("%s %d: %d kernel %d own %d\n", name, wanted, result, kernel, own);
}

void time_of_day(int fd, const char* name, int option, timeval wanted) {
  const int result = setsockopt(fd, SOL_SOCKET, option, &wanted, sizeof(wanted));
  timeval kernel{};
  kernel_get(fd, SOL_SOCKET, option, &kernel, sizeof(kernel));
  timeval own{};
  socklen_t size = sizeof(own);
  getsockopt(fd, SOL_SOCKET, option, &own, &size);
  std::printf("%s %ld.%06ld: %d kernel %ld.%06ld own %ld.%06ld\n", name, wanted.tv_sec, wanted.tv_usec, result,
              kernel.tv_sec, kernel.tv_usec, own.tv_sec, own.tv_usec);
}

}  // namespace

int main() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  integer(fd, "TCP_KEEPIDLE", TCP_KEEPIDLE, 60);
  integer(fd, "TCP_KEEPIDLE", TCP_KEEPIDLE, 400);
  integer(fd, "TCP_KEEPIDLE", TCP_KEEPIDLE, 40000);
  integer(fd, "TCP_KEEPIDLE", TCP_KEEPIDLE, 0);
  integer(fd, "TCP_KEEPINTVL", TCP_KEEPINTVL, 10);
  integer(fd, "TCP_KEEPCNT", TCP_KEEPCNT, 5);
  integer(fd, "TCP_USER_TIMEOUT", TCP_USER_TIMEOUT, 30000);
  time_of_day(fd, "SO_RCVTIMEO", SO_RCVTIMEO, {20, 0});
  time_of_day(fd, "SO_SNDTIMEO", SO_SNDTIMEO, {0, 0});
  // The number that a program with a 64-bit time_t on a 32-bit kernel uses.
  time_of_day(fd, "SO_RCVTIMEO_NEW", 66, {100, 0});
  const int other = socket(AF_INET, SOCK_STREAM, 0);
  int own = -1;
  socklen_t size = sizeof(own);
  getsockopt(other, IPPROTO_TCP, TCP_KEEPINTVL, &own, &size);
  int kernel = -1;
  kernel_get(other, IPPROTO_TCP, TCP_KEEPINTVL, &kernel, sizeof(kernel));
  std::printf("default is multiplied: %d\n", kernel > 0 && own == kernel * 50);
  std::printf("bad descriptor: %d\n", setsockopt(-1, IPPROTO_TCP, TCP_KEEPIDLE, &on, sizeof(on)));
  std::printf("no value: %d\n", setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, nullptr, 0));
  return 0;
}
